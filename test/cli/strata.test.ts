import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectLoopback } from '../../cli/connection/loopback.ts';
import { readOperatorFile } from '../../cli/connection/operatorFile.ts';
import { showProgress } from '../../cli/progress.ts';
import { planPush } from '../../cli/push/plan.ts';
import { push, waitForEnds } from '../../cli/push/push.ts';
import { UploadRow } from '../../lib/catalog/index.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { safetensors } from '../support/ingestPlane.ts';
import { strataHere } from './strataHere.ts';
import { runStrata } from './strataProcess.ts';
import { type StartedPlane, startPlane } from './startPlane.ts';

let folder: StartedPlane['folder'];
let runtime: StartedPlane['runtime'];
let stop: StartedPlane['stop'];

beforeAll(async () => {
  ({ folder, runtime, stop } = await startPlane());
});

afterAll(() => stop());

/** As a process of its own. */
const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  runStrata(args, { environment: { STRATA_DATA: folder.path, ...environment } });

const strata = (...args: readonly string[]) => strataHere(args, { environment: { STRATA_DATA: folder.path } });

async function json(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { code, stdout, stderr } = await strata(...args, '--json');
  expect(
    stderr.split('\n').filter((line) => line.includes('strata.error')),
    stderr,
  ).toEqual([]);
  expect(code).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A file outside of the runtime's own folders, with a modification time that does not change. */
function file(path: string, bytes: Uint8Array | string): string {
  const full = join(folder.path, 'mine', path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, bytes);
  utimesSync(full, 1_700_000_000, 1_700_000_000);
  return full;
}

describe('strata push', () => {
  it('publishes a folder of files as one version, and finds nothing to do when it is run again', async () => {
    const model = dirname(file('tiny/Model.safetensors', safetensors(500)));
    file('tiny/config.json', '{"hidden_size": 8}');
    file('tiny/.gitattributes', 'ignored');
    const first = await run(['push', 'tiny@1.0.0', model, '--wait']);
    expect(first.stderr).toContain('tiny@1.0.0 is published.');
    expect(first.code).toBe(0);
    const analysis =
      /FILE +FORMAT +FAMILY +DTYPES +PARAMETERS +COMPRESSES TO\n(.*\n)?model\.safetensors +safetensors +unknown +U8 100 % +500 +\d+ %/;
    expect(first.stdout).toMatch(analysis);
    expect((await strata('show', 'tiny')).stdout).toMatch(analysis);
    const stored = await json('push', 'tiny@1.0.0', model, '--wait');
    expect(stored).toContainEqual(
      expect.objectContaining({
        schema: 'strata.push.stored/v1',
        key: 'uploads/tiny/1.0.0/model.safetensors',
        digest: expect.any(String),
        findings: expect.objectContaining({ format: 'safetensors', dtypes: { U8: 500 } }),
        compressibility: expect.objectContaining({ ratio: expect.any(Number) }),
        model: 'tiny',
        version: '1.0.0',
        primary: expect.objectContaining({ location: 's3:local:STANDARD', storageClass: 'STANDARD' }),
        policy: expect.objectContaining({ name: 'rules', sweep: 'on', rules: expect.any(Array) }),
        reads: expect.objectContaining({ basis: 'assumed', next30Days: expect.any(Number) }),
        cost: expect.objectContaining({ storageUsd: expect.any(Number), usdPerMonth: expect.any(Number) }),
      }),
    );
    expect(first.stdout).toMatch(/FILE +PRIMARY +NEXT +READS IN 30 DAYS +STORAGE +READS +HOSTS +A MONTH\n/);
    expect(first.stdout).toContain('Policy rules (rules-2, configured, sweep on):\n  younger than 7 days: STANDARD\n');
    expect(await json('show', 'tiny')).toContainEqual(
      expect.objectContaining({ file: 'config.json', cost: expect.anything(), blob: expect.anything() }),
    );
    const files = await json('show', 'tiny');
    expect(new Set(files.map((one) => one['file']))).toEqual(new Set(['config.json', 'model.safetensors']));
    const again = await json('push', 'tiny@1.0.0', model, '--dry-run');
    expect(again.map((one) => one['outcome'])).toEqual(['unchanged', 'unchanged']);
  });

  it('takes up where an earlier push stopped', async () => {
    const folderOfTwo = dirname(file('two/a.safetensors', safetensors(300, 1)));
    file('two/b.safetensors', safetensors(300, 2));
    const [first] = await json('push', 'two@1.0.0', folderOfTwo, '--dry-run');
    expect(first).toMatchObject({ schema: 'strata.push.file/v1', outcome: 'would-upload' });
    const plan = await planPush('two@1.0.0', [folderOfTwo]);
    const plane = connectLoopback(await readOperatorFile(folder.path));
    await push(plane, plan, plan.files.slice(0, 1), showProgress(0, false, ''));
    const outcomes = async (...flags: readonly string[]) =>
      (await json('push', 'two@1.0.0', folderOfTwo, ...flags)).flatMap((one) => one['outcome'] ?? []);
    expect(await outcomes('--dry-run')).toEqual(['unchanged', 'would-upload']);
    expect(await outcomes('--wait')).toEqual(['unchanged', 'uploaded']);
    expect(await outcomes()).toEqual(['unchanged', 'unchanged']);
  });

  describe('into a version that is closed', () => {
    const pushed = async (name: string, path: string) => {
      expect((await strata('push', name, path, '--wait')).code).toBe(0);
    };

    it.each([
      ['another content', { 'one.safetensors': 41 }, 'with another one.safetensors'],
      ['another file', { 'other.safetensors': 1 }, 'without other.safetensors'],
      ['a file more', { 'one.safetensors': 1, 'two.safetensors': 2 }, 'without two.safetensors'],
    ])('sends nothing of %s, and says so', async (what, files, how) => {
      const name = `closed-${what.replaceAll(' ', '-')}@1.0.0`;
      await pushed(name, file(`${name}/before/one.safetensors`, safetensors(300, 1)));
      for (const [path, seed] of Object.entries(files)) {
        // Another time, as of any other file: by it a push knows its own.
        utimesSync(file(`${name}/after/${path}`, safetensors(300, seed)), seed, seed);
      }
      const after = join(folder.path, 'mine', name, 'after');
      for (const flags of [[], ['--wait'], ['--dry-run']]) {
        const { code, stdout, stderr } = await strata('push', name, after, ...flags);
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toContain(`error[version-closed]: ${name} is published ${how}, and a version never changes`);
        expect(stderr).toContain('`strata show closed-');
      }
      const refused = (await json('ls', '--uploads', 'quarantined')).map((one) => String(one['key']));
      expect(refused.filter((key) => key.includes('/closed-'))).toEqual([]);
    });

    it('sends nothing where a file of it is missing', async () => {
      const both = dirname(file('fewer/a.safetensors', safetensors(300, 1)));
      file('fewer/b.safetensors', safetensors(300, 2));
      await pushed('fewer@1.0.0', both);
      const { code, stderr } = await strata('push', 'fewer@1.0.0', join(both, 'a.safetensors'));
      expect([code, stderr]).toEqual([1, expect.stringContaining('is published with b.safetensors besides')]);
    });

    it('finds the same bytes published, whatever their files are called and when they were written', async () => {
      const path = file('same-bytes/x.safetensors', safetensors(300, 3));
      await pushed('same-bytes@1.0.0', path);
      utimesSync(path, 1_800_000_000, 1_800_000_000);
      const before = await runtime.objects.head('uploads/same-bytes/1.0.0/x.safetensors');
      const told = await strata('push', 'same-bytes@1.0.0', path);
      expect([told.code, told.stderr]).toEqual([0, expect.stringContaining('published with these very files')]);
      expect(told.stderr).toContain('same-bytes@1.0.0 is published with files of these names and sizes; reading 365 B');
      const { stderr } = await strata('push', 'same-bytes@1.0.0', path, '--json');
      expect(JSON.parse(stderr.split('\n').at(0) ?? '')).toEqual({
        schema: 'strata.push.compare-progress/v1',
        secondsRemaining: 0,
        percentDone: 100,
        bytesDone: 365,
        totalBytes: 365,
      });
      const stored = await json('push', 'same-bytes@1.0.0', path, '--wait');
      expect(stored).toMatchObject([
        { schema: 'strata.push.file/v1', outcome: 'unchanged' },
        { schema: 'strata.push.stored/v1', digest: expect.any(String), findings: { format: 'safetensors' } },
      ]);
      expect(await runtime.objects.head('uploads/same-bytes/1.0.0/x.safetensors')).toEqual(before);
    });

    it('has one winner where two push at once, and each that pushes again is told which', async () => {
      const paths = [1, 2].map((seed) => file(`race/${seed}/race.safetensors`, safetensors(300, seed)));
      paths.forEach((path, at) => utimesSync(path, at, at));
      const pushOf = (path: string) => ['push', 'race@1.0.0', path, '--wait'];
      const ends = await Promise.all(paths.map((path) => run(pushOf(path))));
      const told = ends.map(({ stderr }) => stderr).join('');
      expect(ends.filter(({ code }) => code === 0).length, told).toBeLessThan(2);
      const again = [];
      for (const path of paths) again.push((await strata(...pushOf(path))).code);
      expect(new Set(again), told).toEqual(new Set([0, 1]));
    });

    it('that another push fills meanwhile waits for no end that is not its own', async () => {
      const path = file('over/over.safetensors', safetensors(300));
      await pushed('over@1.0.0', path);
      const plane = connectLoopback(await readOperatorFile(folder.path));
      const other = { ...(await planPush('over@1.0.0', [path])), set: 'ffffffff-ffff-8fff-afff-ffffffffffff' };
      await expect(waitForEnds(plane, other)).rejects.toMatchObject({ code: 'replaced', retryable: true });
    });
  });

  it('exits 1 and says why when a file is quarantined', async () => {
    const path = file('cut.safetensors', safetensors(500).subarray(0, 80));
    const { code, stderr } = await strata('push', 'cut@1.0.0', path, '--wait');
    expect(code).toBe(1);
    expect(stderr).toContain('invalid-format');
    expect((await json('ls', '--uploads', 'quarantined')).map((one) => one['key'])).toContain(
      'uploads/cut/1.0.0/cut.safetensors',
    );
    expect((await json('explain', 'uploads/cut/1.0.0/cut.safetensors'))[0]).toMatchObject({ state: 'quarantined' });
  });

  it.each([
    [['push', 'tiny@1', 'README.md'], 'bad-reference'],
    [['push', 'tiny@1.0.0', '/nowhere/at/all'], 'bad-path'],
    [['push', '/nowhere/at/all'], 'bad-path'],
    [['push', '--', '-tiny@1.0.0', 'README.md'], 'bad-reference'],
    [['push', 'tiny@1.0.0', 'test/unit'], 'bad-path'],
    [['push', 'tiny@1.0.0', '/dev/null'], 'bad-path'],
    [['alias', 'promote', 'tiny', 'stable'], 'bad-reference'],
    [['show', '../etc'], 'invalid-reference'],
  ])('%j is a usage error: %s', async (args, code) => {
    const { code: exit, stderr } = await strata(...args);
    expect(stderr).toContain(`error[${code}]`);
    expect(exit).toBe(2);
  });

  it.each([
    [['push', 'my-lora', 'README.md'], 'strata push my-lora@1.0.0 FILE'],
    [['retain', 'tiny@1.0.0', '--until', '2020-01-01'], 'must lie ahead'],
    [['quarantine', 'events', '--since', 'abc'], 'must be a number, zero or more'],
  ])('%j is a usage error that says what would be right', async (args, text) => {
    expect(await strata(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(text) });
  });

  it('says which names become lower-case', async () => {
    const { stderr } = await strata(
      'push',
      'loud@1.0.0',
      file('loud/LOUD.txt', 'x'),
      file('loud/calm.txt', 'y'),
      '--dry-run',
    );
    expect(stderr).toBe('Names are lower-case here: LOUD.txt becomes loud.txt.\n');
  });

  it('says that a version was deleted, and how it comes back', async () => {
    const path = file('gone.safetensors', safetensors(40));
    await strata('push', 'gone@1.0.0', path, '--wait');
    await strata('rm', 'gone@1.0.0', '--yes');
    for (const command of ['show', 'explain']) {
      const { code, stderr } = await strata(command, 'gone');
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('Every version of gone was deleted. `strata deleted'),
      ]);
    }
    for (const flags of [[], ['--wait']]) {
      const { code, stderr } = await strata('push', 'gone@1.0.0', path, ...flags);
      expect([code, stderr]).toEqual([1, expect.stringContaining('`strata undo gone@1.0.0` brings it back')]);
    }
  });

  it('refuses two files that would get the same name', async () => {
    const one = file('same/X.safetensors', safetensors(10));
    const other = file('other/x.safetensors', safetensors(10));
    const { code, stderr } = await strata('push', 'same@1.0.0', one, other);
    expect(code).toBe(2);
    expect(stderr).toContain('bad-file-name');
  });
});

describe('strata', () => {
  it('lists models as a table, as JSON with a schema, and as names', async () => {
    const path = file('one.safetensors', safetensors(100));
    await strata('push', path, '--wait');
    expect((await run(['ls'])).stdout).toMatch(/^MODEL +NEWEST +VERSIONS +UPDATED\n/);
    expect((await strata('ls', '-q')).stdout.split('\n')).toContain('one');
    expect(await json('ls')).toContainEqual(
      expect.objectContaining({ schema: 'strata.model/v1', name: 'one', newest: '1.0.0' }),
    );
  });

  it('moves an alias and changes nothing on a dry run', async () => {
    await strata('push', file('aliased.safetensors', safetensors(120)), '--wait');
    const dry = await strata('alias', 'promote', 'aliased@1.0.0', 'stable', '--dry-run');
    expect(dry.stderr).toContain('Nothing was changed');
    expect(await json('show', 'aliased', '--aliases')).toEqual([]);
    expect(await json('alias', 'promote', 'aliased@1.0.0', 'stable')).toMatchObject([
      { alias: 'stable', version: '1.0.0' },
    ]);
    expect(await json('show', 'aliased@stable')).toMatchObject([{ version: '1.0.0' }]);
    const { code, stderr } = await strata('alias', 'rollback', 'aliased', 'stable');
    expect([code, stderr]).toEqual([1, expect.stringContaining('error[no-previous]')]);
    expect((await strata('rm', 'aliased@1.0.0', '--yes')).stderr).toContain('`strata alias remove aliased stable`');
    const versioned = await strata('alias', 'remove', 'aliased@2.0.0', 'stable');
    expect([versioned.code, versioned.stderr]).toEqual([2, expect.stringContaining('error[bad-reference]')]);
    expect(await json('alias', 'remove', 'aliased', 'stable')).toMatchObject([{ alias: 'stable', version: '1.0.0' }]);
    expect((await strata('rm', 'aliased@1.0.0', '--yes')).code).toBe(0);
    expect((await strata('undo', 'aliased@1.0.0')).code).toBe(0);
  });

  it('redrives dead letters, and makes a token that is shown once', async () => {
    await runtime.queues.send('ingest-dlq', [{ body: '{"poison":true}' }]);
    expect(await json('dlq', 'list')).toContainEqual(expect.objectContaining({ queue: 'ingest-dlq', messages: 1 }));
    const doctor = await strata('doctor');
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(/dead-letters +FAILED/)]);
    expect(doctor.stdout).toMatch(/^room +[A-Z]+ +\S+ \wi?B of \S+ \w+ free on the disk of the data folder/m);
    expect(await json('dlq', 'redrive', 'ingest', '--dry-run')).toMatchObject([{ queue: 'ingest-dlq', messages: 1 }]);
    expect((await strata('dlq', 'redrive', 'nowhere')).stderr).toContain('error[unknown-queue]');
    expect(await json('dlq', 'show', 'ingest')).toMatchObject([{ queue: 'ingest-dlq', body: { poison: true } }]);
    expect((await strata('dlq', 'show', 'ingest')).stdout).toMatch(/\{"poison":true\}/);
    expect((await strata('dlq', 'show', 'scan')).stderr).toContain('scan holds no message');
    expect((await strata('token', 'create', 'gpu-17', '-q')).stdout).toMatch(/^strata-join-[0-9a-f]{64}\n$/);
    const listed = (await strata('token', 'list', '-q')).stdout.trim();
    expect(listed).toMatch(/^[0-9a-f]{16}$/);
    expect((await strata('token', 'list')).stdout).toMatch(/gpu-17 +0 of 1/);
    expect((await strata('token', 'revoke', 'gpu-17')).code).toBe(2);
    expect((await strata('token', 'revoke', listed)).code).toBe(0);
    expect((await strata('token', 'list')).stderr).toContain('No join token is valid');
    expect((await strata('hosts')).stderr).toContain('No host is registered');
  });

  it('sets the service level of a model, shows and lists it with who did', async () => {
    const bytes = file('level.safetensors', safetensors(120, 77));
    expect((await strata('push', 'level@1.0.0', bytes, '--wait')).code).toBe(0);
    const set = ['service-level', 'set', 'level', '--by', 'ann'];
    expect(await json(...set, '--reads-per-day', '0.5', '--restore-tolerance', '5h', '--dry-run')).toMatchObject([
      { model: 'level', readsPerDay: 0.5, restoreToleranceMs: 5 * 3_600_000 },
    ]);
    expect((await strata('service-level', 'show', 'level')).stderr).toContain('Nothing is known or promised');
    expect((await strata(...set, '--reads-per-day', '0.5')).code).toBe(0);
    expect((await strata(...set, '--restore-tolerance', '5h', '--clear', 'reads-per-day')).code).toBe(0);
    const [level, ...others] = await json('service-level', 'list');
    expect(others).toEqual([]);
    expect(level).toMatchObject({ schema: 'strata.service-level/v1', model: 'level', restoreToleranceMs: 18_000_000 });
    expect(level).not.toHaveProperty('readsPerDay');
    const shown = (await strata('service-level', 'show', 'level')).stdout;
    expect(shown).toMatch(/ann +5 h/);
    expect(shown).toMatch(/ann +0\.5\b/);
    expect(await strata(...set)).toMatchObject({ code: 2, stderr: expect.stringContaining('Say what to change') });
    expect((await strata(...set, '--reads-per-day', 'often')).code).toBe(2);
  });

  it('tells errors as one JSON object on stderr with --json', async () => {
    const { code, stdout, stderr } = await run(['show', 'nothing', '--json']);
    expect([code, stdout]).toEqual([1, '']);
    expect(JSON.parse(stderr)).toMatchObject({ schema: 'strata.error/v1', code: 'unknown-model', retryable: false });
  });

  it.each([
    [['explain', 'uploads/none/1.0.0/x.gguf'], 'unknown-upload'],
    [['quarantine', 'show', 'uploads/none/1.0.0/x.gguf'], 'unknown-upload'],
    [['deleted', 'none'], 'unknown-model'],
    [['service-level', 'show', 'none'], 'unknown-model'],
    [['undo', 'none@1.0.0'], 'not-deleted'],
  ])('exits 1 for %j, as for any model that is not there', async (args, code) => {
    expect(await strata(...args)).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining(`error[${code}]`) });
  });

  it.each([
    [2, ['psuh'], {}, 'Did you mean push?'],
    [2, ['ls', '--jsno'], {}, 'Did you mean --json?'],
    [2, ['ls'], { STRATA_DATA: '/nowhere' }, 'error[no-plane]'],
    [2, ['push', 'my-model@1.0.0'], {}, 'Name the files of my-model@1.0.0'],
    [1, ['fetch', 's3://b/k', '/nowhere'], { HOME: '/nowhere' }, 'Set AWS_REGION'],
    [3, ['ls'], { STRATA_ENDPOINT: 'http://127.0.0.1:2' }, 'cause: Error: connect ECONNREFUSED 127.0.0.1:2'],
    [0, ['--help'], {}, ''],
  ])('exits %i for %j', async (expected, args, environment, text) => {
    const { code, stderr } = await strataHere(args, { environment: { STRATA_DATA: folder.path, ...environment } });
    expect(code).toBe(expected);
    expect(stderr).toContain(text);
  });

  it('exits 4, and at once, where there are no credentials', async () => {
    const surroundings = { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' };
    const { code, stderr } = await run(['fetch', 's3://b/k', '/nowhere'], surroundings);
    expect([code, stderr]).toEqual([4, expect.stringContaining('Give AWS credentials')]);
  });

  it('exits 3 where another try may help', async () => {
    const { code, stderr } = await run(['ls'], { STRATA_ENDPOINT: 'http://127.0.0.1:1' });
    expect([code, stderr]).toEqual([3, expect.stringContaining('error[plane-unreachable]')]);
  });

  it('exits 2 where no folder tells of a running plane', async () => {
    const { code, stderr } = await run(['ls'], { STRATA_DATA: '', STRATA_ENDPOINT: '', TMPDIR: '/dev' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('No running plane was found')]);
  });

  it('writes to stdout what it packs', async () => {
    const { code, stdout, stderr } = await strata('compress', file('packed.safetensors', safetensors(500)), '-');
    expect([code, stdout.length > 0, stderr]).toEqual([0, true, expect.stringContaining('packed')]);
  });

  it('runs within a test without a trace of it there, also where it cannot begin', async () => {
    const before = { env: process.env, cwd: process.cwd() };
    process.exitCode = 1;
    try {
      await expect(strataHere(['--version'], { cwd: '/nowhere/at/all' })).rejects.toThrow('ENOENT');
      expect(await strataHere(['--version'])).toMatchObject({ code: 0 });
      expect(process.exitCode).toBe(1);
    } finally {
      process.exitCode = undefined;
    }
    expect({ env: process.env, cwd: process.cwd() }).toEqual(before);
    expect(vi.isMockFunction(Reflect.get(process.stdout, 'write'))).toBe(false);
  });

  it('prints its release', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('says with which folder a plane that ended is started again', async () => {
    const data = join(folder.path, 'mine', 'ended');
    file('ended/operator.json', '{"endpoint":"http://127.0.0.1:1","token":"x"}');
    const { stderr } = await strata('ls', '--data', data);
    expect(stderr).toContain(`Start it with \`npm start -- --data ${data}\``);
  });

  it.skipIf(process.getuid?.() === 0)('says of a folder that it may not read that it is another’s', async () => {
    const operator = file('foreign/operator.json', '{}');
    chmodSync(operator, 0o000);
    const { code, stderr } = await strata('ls', '--data', dirname(operator));
    expect([code, stderr]).toEqual([2, expect.stringContaining('run this as the user of the plane')]);
  });

  it('says that nothing changed sides where nothing did', async () => {
    const { code, stderr } = await strata('quarantine', 'events', '--since', '0');
    expect([code, stderr]).toEqual([0, 'Nothing changed sides in the last 0 h.\n']);
  });

  it('describes every command that it lists', async () => {
    for (const group of ['hold', 'quarantine', 'alias', 'dlq', 'token', 'host', 'policy', 'prices', 'config']) {
      const { stdout } = await strata(group, '--help');
      const [, commands = ''] = stdout.split('\nCommands:\n');
      expect(commands, group).toMatch(/\S/);
      expect(
        commands.split('\n').filter((line) => /^ {2}\S+( \S+)*\s*$/.test(line)),
        group,
      ).toEqual([]);
    }
  });

  it('lists one host or one dead-letter queue by its name, and says which there are', async () => {
    expect((await strata('dlq', 'list', 'ingest', '-q')).stdout).toBe('ingest-dlq\n');
    expect((await strata('dlq', 'list', 'hosts', '-q')).stdout).toBe('hosts-dlq\n');
    const queues = await strata('dlq', 'list', 'nowhere');
    expect(queues).toMatchObject({ code: 1, stderr: expect.stringContaining('There are: accesses-dlq,') });
    expect(await strata('hosts', 'nobody')).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody') });
  });

  it('tells errors of usage as one object with --json', async () => {
    const { code, stderr, stdout } = await strata('show', '--json');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ schema: 'strata.error/v1', code: 'usage', retryable: false });
  });

  it('says of an argument that only a command can judge what is wrong with it', async () => {
    const { code, stderr } = await strata('policy', 'diff', 'rules', 'nobodys');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error\[usage\]: nobodys is nothing to decide by: nobodys is none of them/);
  });

  it.each([
    ['that is not there', '/nonexistent/book.json', 'cannot be read'],
    ['that is no JSON', fileURLToPath(import.meta.url), 'holds no JSON'],
  ])('says of a file of prices %s what is wrong', async (_, path, what) => {
    const { code, stderr } = await strata('replay', '--log', '/dev/null', '--prices', path);
    expect(code).toBe(2);
    expect(stderr).toContain(`error[bad-file]: ${path} ${what}`);
  });

  it('exits 4 when the token is wrong', async () => {
    const { code, stderr } = await run(['ls'], { STRATA_ENDPOINT: runtime.url, STRATA_TOKEN: 'wrong' });
    expect([code, stderr]).toEqual([4, expect.stringContaining('error[access-denied]')]);
  });

  it('never lets a name from an upload move the cursor', async () => {
    const key = 'uploads/\u001b[2Jbad';
    await runtime.objects.write(key, Buffer.from('x'));
    await expect.poll(async () => (await runtime.operations.inspectUpload({ key })).upload?.state).toBe('quarantined');
    const { stdout } = await strata('ls', '--uploads', 'quarantined');
    expect(stdout).not.toContain('\u001b');
  });

  it('releases what was judged malicious only where that is confirmed', async () => {
    const key = 'uploads/evil/1.0.0/evil.pkl';
    const stateOf = async () => (await runtime.operations.inspectUpload({ key })).upload?.state;
    await strata('push', 'evil@1.0.0', file('evil.pkl', "cposix\nsystem\n(S'true'\ntR."), '--wait');
    expect(await stateOf()).toBe('quarantined');
    const release = ['quarantine', 'release', key, '--reason', 'a sample'];
    expect(await strata(...release, '--dry-run')).toMatchObject({ code: 0 });
    expect(await strata(...release)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error[not-confirmed]'),
    });
    expect(await stateOf()).toBe('quarantined');
    const [shown] = await json('quarantine', 'show', key);
    expect(await strata(...release, '--yes', '--version-id', 'another')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('uploaded anew since'),
    });
    expect(await stateOf()).toBe('quarantined');
    expect(await strata(...release, '--yes', '--version-id', String(shown?.['versionId']))).toMatchObject({ code: 0 });
    await expect.poll(stateOf).toBe('ready');
  });

  it('says which uploads in quarantine have no bytes any more', async () => {
    const key = 'uploads/gone-one';
    await runtime.objects.write(key, Buffer.from('x'));
    const upload = async () => (await runtime.operations.inspectUpload({ key })).upload;
    await expect.poll(async () => (await upload())?.state).toBe('quarantined');
    const lineOf = async () => (await strata('quarantine', 'ls')).stdout.split('\n').find((line) => line.includes(key));
    expect(await lineOf()).toMatch(/ kept /);
    const row = (await UploadRow.get(runtime.deps.catalog, key, (await upload())?.versionId ?? '')) ?? expect.fail();
    const removal = { at: EpochMs.parse(Date.now()), reason: 'quarantined-for-long' as const, done: true };
    await runtime.deps.catalog.transact([UploadRow.put({ ...row.value, removal }, { version: row.version })]);
    expect(await lineOf()).toMatch(/ deleted \d+ s ago /);
  });
});

describe('strata costs', () => {
  it('adds up what is stored, by what is asked for, with a total', async () => {
    await strata('push', 'dear@1.0.0', file('dear/dear.safetensors', safetensors(900, 7)), '--wait');
    const lines = await json('costs', '--by', 'model');
    expect(lines).toContainEqual(
      expect.objectContaining({ schema: 'strata.cost/v1', by: 'model', group: 'dear', copies: expect.any(Number) }),
    );
    const total = lines.at(-1);
    expect(total).toMatchObject({ schema: 'strata.cost-total/v1', group: 'total' });
    const sum = lines.slice(0, -1).reduce((usd, line) => usd + Number(line['usdPerMonth']), 0);
    expect(sum).toBeGreaterThan(0);
    expect(total?.['usdPerMonth']).toBeCloseTo(sum, 12);
    const table = (await strata('costs')).stdout;
    expect(table).toMatch(/^CLASS +COPIES +SIZE +STORAGE +REQUESTS +RETRIEVAL +A MONTH +AN HOUR/);
    expect(table).toMatch(/^STANDARD +\d+ .*\$/m);
    expect((await strata('costs', '--by', 'owner')).code).toBe(2);
  });

  it('names opportunities with saving, risk, latency and command', async () => {
    await strata('push', 'dear@1.1.0', file('dear2/dear.safetensors', safetensors(900, 8)), '--wait');
    await strata('deprecate', 'dear@1.0.0');
    const found = await json('opportunities');
    expect(found).toContainEqual(
      expect.objectContaining({
        schema: 'strata.opportunity/v1',
        kind: 'retired',
        what: 'dear@1.0.0',
        savedUsdPerMonth: expect.any(Number),
        risk: 'medium',
        latency: 'it cannot be read any more',
        command: 'strata rm dear@1.0.0',
      }),
    );
    expect(found).toContainEqual(expect.objectContaining({ kind: 'deduplication', counted: true }));
    expect(found.at(-1)).toMatchObject({ schema: 'strata.opportunity-total/v1', onceUsd: expect.any(Number) });
    const { stdout } = await strata('opportunities');
    expect(stdout).toContain('  strata rm dear@1.0.0\n');
    expect(stdout).toMatch(/\nTogether \$\S+ less a month/);
  });
});

describe('strata sweeps', () => {
  it('lists what moved objects, and tells of one run what became of it', async () => {
    expect((await strata('sweeps')).stderr).toContain('No sweep has run and no plan was applied yet');
    const unknown = await strata('sweeps', '12345');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('There is no run 12345');
    // Smaller ones pay more for a move than it saves.
    await strata('push', 'heavy@1.0.0', file('heavy/heavy.safetensors', safetensors(20_000_000)), '--wait');
    const applied = await strata('plan', '--policy', 'dollars', '--apply', '--yes');
    expect(applied.code).toBe(0);
    const [, runId = ''] = /strata sweeps ([a-z0-9-]+)/.exec(applied.stderr) ?? [];
    await expect
      .poll(async () => (await json('sweeps', runId)).at(-1), { timeout: 60_000, interval: 1000 })
      .toMatchObject({ schema: 'strata.run-report/v1', by: 'plan', open: 0, failed: 0 });
    const [run] = await json('sweeps');
    expect(run).toMatchObject({ schema: 'strata.run/v1', runId, by: 'plan' });
    expect(Number(run?.['moves'])).toBeGreaterThan(0);
    const moves = await json('sweeps', runId);
    expect(moves[0]).toMatchObject({ schema: 'strata.run-move/v1', state: 'done', to: 'INTELLIGENT_TIERING' });
    expect((await strata('sweeps', runId)).stdout).toMatch(/so far -?\$\S+ realised against -?\$\S+ predicted/);
  });
});
