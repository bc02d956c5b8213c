import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { type DataFolder, takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { OFFERS } from '../unit/pricing/offers.ts';
import { strataHere } from './strataHere.ts';
import { runStrata } from './strataProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-prices-'));
const files = Object.entries(OFFERS).map(([code, json]) => {
  const path = join(folder, `${code}.json`);
  writeFileSync(path, json);
  return path;
});
const [s3 = '', ...others] = files;
const dearer = join(folder, 'dearer.json');
writeFileSync(
  dearer,
  OFFERS.AmazonS3.replaceAll('0.0125000000', '0.0130000000').replace('"0.0100000000"', '"0.0400000000"'),
);

afterAll(() => rmSync(folder, { recursive: true }));

const strata = (...args: readonly string[]) => strataHere(['prices', ...args], { cwd: folder });

let plane: { readonly folder: DataFolder; readonly runtime: EmbeddedRuntime };

beforeAll(async () => {
  const data = takeDataFolder(undefined);
  const telemetry = createPinoTelemetry(createPinoLogger({ level: 'warn', path: data.at('logs', 'runtime.jsonl') }));
  plane = { folder: data, runtime: await startEmbeddedRuntime({ folder: data, port: 0, telemetry }) };
});

afterAll(async () => {
  await plane.runtime.stop();
  plane.folder.release();
});

describe('strata prices', () => {
  it('show -q: the books alone, one a line', async () => {
    const { stdout } = await strata('show', '-q');
    expect(stdout.trim().split('\n')).toEqual(shippedPriceBook().books.map(({ id, asOf }) => `${id}@${asOf}`));
  });

  it('show: one region or provider, with source, date and age', async () => {
    const shown = await strata('show', '--region', 'us-east-1');
    expect(shown.stdout).toMatch(
      /^\naws\/us-east-1, us-east-1, as of 2026-11-20, (a day|\d+ days) old; 1 GB = 1073741824 bytes\n/,
    );
    expect(shown.stdout).not.toContain('cloudflare');
    const json = (await strata('show', '--provider', 'cloudflare', '--json')).stdout.trim().split('\n');
    expect(JSON.parse(json[0]!)).toMatchObject({
      provider: 'cloudflare',
      asOf: '2026-11-20',
      ageDays: expect.any(Number),
    });
    expect(json.every((line) => line.includes('"cloudflare"'))).toBe(true);
  });

  it('show: says so where there is no book of a region, and how to make one', async () => {
    const { code, stdout, stderr } = await strata('show', '--region', 'eu-west-1');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('strata prices refresh --region REGION');
  });

  it('check: exits with 0 where the lists say what the book says, else with 1 and every difference', async () => {
    const same = await strata('check', '--file', ...files);
    expect([same.code, same.stdout]).toEqual([0, '']);
    const other = await strata('check', '--file', dearer, ...others);
    expect(other.code).toBe(1);
    expect(other.stdout).toMatch(/STANDARD_IA storage +\$0\.0125 +\$0\.013 +\+4\.0 % +GB-month/);
    expect(other.stderr).toContain('Beyond a factor of 3, or gone: ONEZONE_IA storage.');
    const json = await strata('check', '--json', '--file', dearer, ...others);
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).percent.toFixed(1)),
    ).toEqual(['4.0', '4.0', '300.0']);
  });

  it('check: fails on lists that lack a price, and names it', async () => {
    const torn = join(folder, 'torn.json');
    writeFileSync(torn, OFFERS.AmazonS3.replaceAll('Retrieval-GIR', 'Retrieval-XYZ'));
    const { code, stderr } = await strata('check', '--file', torn, ...others);
    expect(code).toBe(1);
    expect(stderr).toContain('error[missing-price]: The price list has no AmazonS3 usagetype Retrieval-GIR');
    const none = await strata('check', '--file', join(folder, 'nofile'));
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('error[bad-file]')]);
    expect((await strata('check', '--file', s3)).stderr).toContain('one list each');
    expect((await strata('check', '--url', 'http://localhost')).stderr).toContain('https:// only');
  });

  it('sends nothing to the terminal that moves its cursor, from a list or from a book', async () => {
    const hostile = join(folder, 'hostile.json');
    writeFileSync(hostile, OFFERS.AmazonS3.replaceAll('"GB-Mo"', '"\\u001b[2J"'));
    const { stderr } = await strata('check', '--file', hostile, ...others);
    expect(stderr).toContain('is priced by \uFFFD[2J, not by GB-Mo');
    const book = structuredClone(shippedPriceBook().books[0]!);
    for (const source of Object.values(book.sources)) source.note = '\u001b[2Jnote';
    writeFileSync(hostile, JSON.stringify(book));
    const shown = await strata('show', '--prices', hostile);
    expect(shown.stdout).toContain('\uFFFD[2Jnote');
    expect(shown.stdout).not.toContain('\u001b');
    writeFileSync(hostile, JSON.stringify({ ...book, asOf: '2020-01-01' }));
    expect((await strata('show', '--prices', hostile)).stderr).toContain('strata prices accept FILE');
  });

  it('asks a plane on AWS for the prices of the region that the profile names', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => asked.push(chunk.toString()));
      request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const config = join(folder, 'aws-config');
    writeFileSync(config, '[default]\nregion = eu-north-1\n');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const environment = {
      AWS_CONFIG_FILE: config,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      STRATA_TABLE: 'table',
      STRATA_BUCKET: 'bucket',
      STRATA_QUEUE_URL_PREFIX: 'http://127.0.0.1/q-',
      STRATA_COMMAND_SECRET_ARN: 'arn:aws:secretsmanager:eu-north-1:000000000000:secret:x',
    };
    // As a process of its own, which ends although the SDK keeps connections alive.
    const { stdout } = await runStrata(['prices', 'show'], { environment, cwd: folder });
    server.close();
    expect(asked.join()).toContain('PRICES#aws/eu-north-1');
    expect(stdout).toContain('aws/us-east-1, us-east-1, as of');
  });

  it('accept: puts a book in force at a plane, which shows it, and says what it changes before it does', async () => {
    const out = join(folder, 'of-today.json');
    await strata('refresh', '--out', out, '--file', dearer, ...others);
    const data = ['--data', plane.folder.path];
    expect((await strata('accept', ...data)).stderr).toContain('No refresh has reported a book');
    const dry = await strata('accept', out, '--dry-run', ...data);
    expect(dry.stdout).toMatch(/ONEZONE_IA storage +\$0\.01 +\$0\.04 +\+300\.0 % +GB-month/);
    expect(dry.stderr).toContain('Nothing was changed');
    const accepted = await strata('accept', out, '--by', 'ada', ...data);
    expect([accepted.code, accepted.stderr]).toEqual([0, expect.stringContaining('is in force: 3 prices changed')]);
    expect((await strata('show', '--region', 'us-east-1', ...data)).stdout).toMatch(
      /ONEZONE_IA storage +\$0\.04 per GB-month/,
    );
    expect((await strata('check', ...data, '--file', dearer, ...others)).code).toBe(0);
  });

  it('of the plane that is named count in everything that needs none, which says so', async () => {
    const book = join(folder, 'of-the-plane.json');
    await strata('refresh', '--out', book, '--file', dearer, ...others);
    expect((await strata('accept', book, '--by', 'ada', '--data', plane.folder.path)).code).toBe(0);
    const model = join(folder, 'model.bin');
    writeFileSync(model, Buffer.alloc(2_000_000, 'weights '));
    const log = join(folder, 'log.csv');
    writeFileSync(
      log,
      'time,object,bytes,op,region,host\n1704067200,a,6000000000,write,,\n1719792000,a,6000000000,read,,h\n',
    );
    const facts = join(folder, 'facts.jsonl');
    const moment = Date.now() - 90 * 86_400_000;
    const object = { digest: 'a'.repeat(64), bytes: 1e9, storageClass: 'STANDARD', accessesLast30Days: 0 };
    writeFileSync(facts, JSON.stringify({ ...object, createdAt: moment, transitionedAt: moment }));
    const commands = [
      ['compress', model, '--dry-run', '--class', 'ONEZONE_IA'],
      ['replay', '--log', log, '--policies', 'always-standard', '--no-optimum'],
      ['plan', '--inventory', facts],
      ['policy', 'diff', 'rules', 'dollars', '--inventory', facts],
    ];
    for (const args of commands) {
      const records = async (...plane: string[]) => {
        const { code, stdout, stderr } = await strataHere([...args, '--json', ...plane], { cwd: folder });
        expect([code, stderr]).toMatchObject([0, expect.not.stringContaining('Prices')]);
        return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { prices: string; usd?: { storage: number } };
      };
      const [shipped, named] = [await records(), await records('--data', plane.folder.path)];
      expect(shipped.prices).toBe(shippedPriceBook().id);
      expect(named.prices).not.toBe(shipped.prices);
      // Four times as dear in the book that the plane has accepted.
      if (args[0] === 'compress') expect(named.usd?.storage).toBeCloseTo(4 * (shipped.usd?.storage ?? 0), 9);
      const told = await strataHere([...args, '--data', plane.folder.path], { cwd: folder });
      expect(told.stdout + told.stderr).toMatch(/[Pp]rices:? /);
      expect(told.stdout + told.stderr).toContain(named.prices);
    }
  });

  it('refresh: makes a book that answers before the shipped one, and overwrites nothing', async () => {
    const out = join(folder, 'book.json');
    expect(await strata('refresh', '--out', out, '--file', dearer, ...others)).toMatchObject({ code: 0, stdout: '' });
    expect(JSON.parse(readFileSync(out, 'utf8')).storage.STANDARD_IA.usdPerGbMonth).toBe(0.013);
    expect((await strata('diff', out)).code).toBe(1);
    expect((await strata('check', '--prices', out, '--file', dearer, ...others)).code).toBe(0);
    const again = await strata('refresh', '--out', out, '--file', ...files);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('error[exists]')]);
  });
});
