import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { registerPrices } from '../../../cli/commands/prices.ts';
import { registerReplay } from '../../../cli/commands/replay.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { useCommands } from '../../support/commands.ts';

const { at, strata: run, told } = useCommands(registerReplay, registerPrices);

async function strata(...args: string[]): Promise<Record<string, unknown>[]> {
  const lines = (await run(...args)).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function log(): Promise<string> {
  const path = at('log.csv.gz');
  const lines = [
    'time,object,bytes,op,region,host',
    '1704067200,a,6000000000,write,,',
    '1719792000,a,6000000000,read,,h1',
  ];
  await writeFile(path, gzipSync(lines.join('\n')));
  return path;
}

describe('strata replay', () => {
  it('prints one record per policy, and no ratio to the optimum is below one', async () => {
    const records = await strata(
      'replay',
      '--log',
      await log(),
      '--policies',
      'strata-dollars,always-standard',
      '--json',
    );
    expect(records.map((one) => one['policy'])).toEqual(['strata-dollars', 'always-standard']);
    for (const record of records) {
      expect(record).toMatchObject({ schema: 'strata.replay/v1', reads: 1, prices: shippedPriceBook().id });
      expect(record['ratioToOptimum']).toBeGreaterThanOrEqual(1);
    }
    expect(records.map((one) => one['mechanics'])).toEqual(['plane', 'lifecycle']);
  });

  it('uses the prices that it is given', async () => {
    const path = at('prices.json');
    const book = JSON.parse(
      await readFile(join(import.meta.dirname, '../../../lib/pricing/books/aws-us-east-1.json'), 'utf8'),
    );
    book.id = 'own/discount';
    book.storage.STANDARD.usdPerGbMonth /= 2;
    await writeFile(path, JSON.stringify(book));
    const args = ['replay', '--log', await log(), '--policies', 'always-standard', '--no-optimum', '--json'];
    const [listed] = await strata(...args);
    const [discounted] = await strata(...args, '--prices', path);
    expect(discounted?.['prices']).toContain('own/discount');
    expect(Number(discounted?.['storageUsd'])).toBeCloseTo(Number(listed?.['storageUsd']) / 2, 9);
  });

  it('writes a plot', async () => {
    const plot = at('out.svg');
    await strata('replay', '--log', await log(), '--json', '--plot', plot);
    expect(await readFile(plot, 'utf8')).toContain('intelligent-tiering</text>');
  });

  it('bills behind caches of hosts what they miss, and lets the GPU wait for it', async () => {
    const path = at('hosts.csv');
    const read = (day: number, object: string, host: string) =>
      `${1_704_067_200 + day * 86_400},${object},1500000000,read,,${host}`;
    const reads = [read(0, 'a', 'h1'), read(1, 'a', 'h1'), read(1, 'a', 'h2'), read(2, 'b', 'h1'), read(3, 'a', 'h1')];
    await writeFile(path, ['time,object,bytes,op,region,host', ...reads].join('\n'));
    const args = ['replay', '--log', path, '--policies', 'always-standard', '--gpu-hour', '3600', '--json'];
    const [bare] = await strata(...args);
    expect(bare).toMatchObject({ hostReads: 5, misses: 5, reads: 5, gpuSecondsWaited: 0 });
    const [small, large] = await strata(...args, '--host-cache', '2GB', '--cache-policies', 'lru,sieve');
    // One object fits: h1 misses a, b and a again, h2 misses a. Each miss waits half a second and one more for its bytes.
    expect(small).toMatchObject({ cachePolicy: 'lru', hostReads: 5, misses: 4, reads: 4, gpuSecondsWaited: 6 });
    expect(small?.['gpuWaitingUsd']).toBeCloseTo(6, 9);
    expect(large).toMatchObject({ cachePolicy: 'sieve', hostReads: 5 });
    expect(small?.['ratioToOptimum']).toBeGreaterThanOrEqual(1);
    // Even who knows all fetches a for each host and b; for a once more, b's room is counted on average over all accesses.
    expect(small?.['boundUsd']).toBeGreaterThan(4.5);
    expect(small?.['boundUsd']).toBeLessThan(4.6);
    expect(small?.['ratioToBound']).toBeCloseTo(Number(small?.['usd']) / Number(small?.['boundUsd']), 9);
    // One object of 1.5 GB on h1 for three days and on h2 for two, at $0.02 a GB-hour.
    const [rented] = await strata(...args, '--host-cache', '2GB', '--cache-policies', 'lru', '--host-tier', 'nvme');
    expect(rented?.['hostTierUsd']).toBeCloseTo(5 * 24 * 1.5 * 0.02, 9);
    expect(rented?.['usd']).toBeCloseTo(Number(small?.['usd']) + 3.6, 9);
    // A hit pays for the days before it, or is fetched anew: h1 has a from one day to the next, and again two days later.
    expect(rented?.['boundUsd']).toBeGreaterThan(4.5 + 0.72 + 1.5 * 0.9);
    expect(rented?.['boundUsd']).toBeLessThan(Number(rented?.['usd']));
    await expect(strata(...args, '--host-tier', 'nvme')).rejects.toThrow(/needs --host-cache/);
    const [tight] = await strata(...args, '--host-cache', '1600MB', '--cache-policies', 'lru');
    expect(tight?.['boundUsd']).toBeGreaterThan(5.6);
    expect(tight?.['boundUsd']).toBeLessThan(5.8);
    const table = await run(
      'replay',
      '--log',
      path,
      '--policies',
      'always-standard',
      '--host-cache',
      '2GB',
      '--host-tier',
      'nvme',
    );
    expect(table).toContain('host tiers');
    expect(table).toContain('× bound');
    expect(told()).toContain('no caches of this size');
  });

  it('plays with what a registry knows: how often it is read, when it was retired, and that readers can wait', async () => {
    const path = at('known.csv');
    const known = [
      'object,known,value',
      'a,retired,2024-02-01',
      'a,reads-per-day,1',
      'a,restore-tolerance,12h',
      'b,retired,2024-02-01',
    ];
    const args = ['replay', '--log', await log(), '--policies', 'strata-dollars,intelligent-tiering', '--json'];
    const [blind] = await strata(...args);
    await writeFile(path, 'object,known,value\na,reads-per-day,0.0003\n');
    const [rarely] = await strata(...args, '--knowledge', path);
    await writeFile(path, known.join('\r\n'));
    const [tolerant, tiering] = await strata(...args, '--knowledge', path);
    expect(blind).toMatchObject({ moves: 0, restores: 0 });
    // Where reads are charged from the beginning.
    expect(rarely).toMatchObject({ moves: 0, restores: 0, retrievals: 1 });
    // Archived when it was retired, and brought back for its reader.
    expect(tolerant).toMatchObject({ moves: 2, restores: 1 });
    expect(Number(tolerant?.['usd'])).toBeLessThan(Number(blind?.['usd']));
    for (const one of [tolerant, tiering]) expect(one?.['ratioToOptimum']).toBeGreaterThanOrEqual(1);
    expect(told()).toContain('Not in the log, of what is known: b.');
  });

  it('archives until a read that is announced, and brings it back for that day', async () => {
    const path = at('dates.csv');
    const args = ['replay', '--log', await log(), '--policies', 'strata-dollars', '--tolerance', '12', '--json'];
    const [blind] = await strata(...args);
    await writeFile(path, 'object,known,value\na,next-read,2024-07-01\n');
    const [announced] = await strata(...args, '--knowledge', path);
    expect(blind).toMatchObject({ moves: 0, restores: 0 });
    expect(announced).toMatchObject({ moves: 2, restores: 1 });
    expect(Number(announced?.['usd'])).toBeLessThan(0.7 * Number(blind?.['usd']));
    // Until it is said to end there is no time for an archive.
    const ends = async (date: string) => {
      await writeFile(path, `object,known,value\na,reads-per-day,0\na,ends,${date}\n`);
      return Number((await strata(...args, '--knowledge', path))[0]?.['storageUsd']);
    };
    expect(await ends('2024-01-04')).toBeGreaterThan(await ends('2025-01-01'));
  });

  it('plays among the classes that the deciding book prices, and names the policies that cannot', async () => {
    const path = at('no-tiering.json');
    const book = JSON.parse(
      await readFile(join(import.meta.dirname, '../../../lib/pricing/books/aws-us-east-1.json'), 'utf8'),
    );
    book.id = 'own/two-classes';
    for (const name of Object.keys(book.storage)) {
      if (name !== 'STANDARD' && name !== 'STANDARD_IA') delete book.storage[name];
    }
    await writeFile(path, JSON.stringify(book));
    const records = await strata('replay', '--log', await log(), '--prices', path, '--json');
    expect(records).toHaveLength(6);
    expect(records.map(({ policy }) => policy)).not.toContain('intelligent-tiering');
    for (const record of records) expect(record['ratioToOptimum']).toBeGreaterThanOrEqual(1);
    expect(told()).toContain('Left out, since their class is not among STANDARD, STANDARD_IA: intelligent-tiering.');
    const only = ['--policies', 'intelligent-tiering'];
    await expect(strata('replay', '--log', await log(), '--prices', path, ...only)).rejects.toThrow(
      'None of the policies',
    );
  });

  it('packs what packs, as the whole replay or the knowledge of an object says', async () => {
    const path = at('packs.csv');
    const args = ['replay', '--log', await log(), '--policies', 'strata-rules', '--tolerance', '1', '--json'];
    const [plain] = await strata(...args);
    const [packed] = await strata(...args, '--packs-to', '0.5');
    expect(plain).toMatchObject({ moves: 1, restores: 0 });
    expect(packed).toMatchObject({ moves: 3, restores: 1 });
    expect(Number(packed?.['storageUsd'])).toBeLessThan(0.7 * Number(plain?.['storageUsd']));
    expect(Number(packed?.['optimumUsd'])).toBeLessThan(Number(plain?.['optimumUsd']));
    await writeFile(path, 'object,known,value\na,packs-to,0.9\n');
    const [hardly] = await strata(...args, '--packs-to', '0.5', '--knowledge', path);
    expect(hardly).toMatchObject({ moves: 1, restores: 0 });
    await expect(strata(...args, '--packs-to', '1.5')).rejects.toThrow('above 0, and 1 at most');
  });

  it.each([
    ['a,packs-to,0', 'line 2: packs-to must be a number above 0'],
    ['a,magic,1', 'line 2: magic object,known,value; known is retired'],
    ['a,retired,soon', 'line 2: retired must be a date'],
    ['a,restore-tolerance,-1h', 'line 2: restore-tolerance must be a time'],
    ['a,reads-per-day,', 'line 2: reads-per-day must be a number'],
    ['nothing', 'line 2: it is no line of object,known,value'],
  ])('refuses %s as knowledge, and says where and why', async (line, why) => {
    const path = at('known.csv');
    await writeFile(path, `object,known,value\n${line}\n`);
    await expect(strata('replay', '--log', await log(), '--knowledge', path)).rejects.toThrow(why);
    await writeFile(path, line);
    await expect(strata('replay', '--log', 'x', '--knowledge', path)).rejects.toThrow('does not begin with');
  });

  it.each(['belady', 'magic', 'lru:0.5'])('refuses %s as the policy of a cache', async (name) => {
    await expect(strata('replay', '--log', 'x', '--cache-policies', name)).rejects.toThrow(name.split(':')[0]);
  });

  it('refuses a policy that it does not know', async () => {
    await expect(strata('replay', '--log', 'x', '--policies', 'magic')).rejects.toThrow('magic is not one of');
  });
});

describe('strata prices show', () => {
  it('prints every price with its book, date and source', async () => {
    const lines = await strata('prices', 'show', '--json');
    expect(lines).toContainEqual({
      schema: 'strata.price/v1',
      book: 'aws/us-east-1',
      provider: 'aws',
      region: 'us-east-1',
      asOf: '2026-11-20',
      ageDays: expect.any(Number),
      item: 'GLACIER_IR storage',
      usd: 0.004,
      per: 'GB-month',
      source: 's3',
    });
    expect(lines).toContainEqual(expect.objectContaining({ book: 'reference', item: 'nvme', usd: 0.02 }));
  });
});

describe('strata prices diff', () => {
  it('shows what a refreshed book changes, adds and lacks, and says so by its exit code', async () => {
    const path = at('fresh.json');
    const shipped = join(import.meta.dirname, '../../../lib/pricing/books/aws-us-east-1.json');
    const book = JSON.parse(await readFile(shipped, 'utf8'));
    book.storage.GLACIER_IR.usdPerGbMonth = 0.005;
    book.gpus.B200 = { source: 'ec2', usdPerHour: 9 };
    delete book.transfer.internet;
    await writeFile(path, JSON.stringify(book));
    const changes = await strata('prices', 'diff', path, '--json');
    expect(changes).toEqual([
      {
        schema: 'strata.price-change/v1',
        book: 'aws/us-east-1',
        item: 'GLACIER_IR storage',
        per: 'GB-month',
        before: 0.004,
        after: 0.005,
        percent: expect.closeTo(25),
      },
      { schema: 'strata.price-change/v1', book: 'aws/us-east-1', item: 'GPU B200', per: 'hour', after: 9 },
      { schema: 'strata.price-change/v1', book: 'aws/us-east-1', item: 'transfer internet', per: 'GB', before: 0.09 },
    ]);
    expect(process.exitCode).toBe(1);
  });
});
