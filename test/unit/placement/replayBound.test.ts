import { writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registerReplay } from '../../../cli/commands/replay.ts';
import { DEFAULT_MISS_WAIT, POLICY_NAMES, parsePolicySpec, waitSeconds } from '../../../lib/caching/index.ts';
import { type AccessRecord, compileRates, Histories, replayOptimum } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { useCommands } from '../../support/commands.ts';

const { at, strata } = useCommands(registerReplay);

const BYTES = { a: 3e9, b: 3e9, c: 1e9, d: 200_000 };
type Name = keyof typeof BYTES;
const USD_PER_HOUR = 7;
const TOLERANCE_HOURS = 12;
const rates = compileRates(shippedPriceBook());
const setup = {
  rates,
  classes: rates.classes,
  stepMs: DAY_MS,
  waiting: { toleranceMs: TOLERANCE_HOURS * HOUR_MS, usdPerMs: USD_PER_HOUR / HOUR_MS },
};

interface Line {
  readonly gapHours: number;
  readonly object: Name;
  readonly host: string;
  readonly op: 'read' | 'write' | 'delete';
  /** Of how many ranges the read is. */
  readonly ranges: number;
}

const line = fc.record({
  // Each day is a step of every schedule: of the long gaps a few are enough for any class to pay.
  gapHours: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 1, arbitrary: fc.integer({ min: 700, max: 5_000 }) },
  ),
  object: fc.constantFrom<Name>('a', 'b', 'c', 'd'),
  host: fc.constantFrom('h1', 'h2'),
  op: fc.nat(19).map((one) => (one === 0 ? 'delete' : one === 1 ? 'write' : 'read')),
  ranges: fc.constantFrom(1, 1, 1, 2, 3),
});

function recordsOf(lines: readonly Line[]): AccessRecord[] {
  let time = Date.parse('2024-01-01');
  return lines.flatMap(({ gapHours, object, host, op, ranges }) => {
    time += gapHours * HOUR_MS;
    const objectBytes = BYTES[object];
    return Array.from({ length: op === 'read' ? ranges : 1 }, (_, part) => ({
      at: time + part * SECOND_MS,
      object,
      op,
      objectBytes,
      readBytes: op === 'delete' ? undefined : Math.floor(objectBytes / ranges),
      host,
    }));
  });
}

const EVENTS = { read: 'GetObject', write: 'PutObject', delete: 'DeleteObject' };

/** CloudTrail tells ranges, and sizes only by them. */
async function played(
  records: readonly AccessRecord[],
  ...args: string[]
): Promise<{ usd: number; boundUsd: number }[]> {
  const path = at('log.jsonl');
  const lines = records.map((one) =>
    JSON.stringify({
      eventTime: new Date(one.at).toISOString(),
      eventSource: 's3.amazonaws.com',
      eventName: EVENTS[one.op],
      sourceIPAddress: one.host,
      requestParameters: { bucketName: 'models', key: one.object },
      additionalEventData: { [one.op === 'write' ? 'bytesTransferredIn' : 'bytesTransferredOut']: one.readBytes },
    }),
  );
  await writeFile(path, lines.join('\n'));
  const waiting = ['--bytes', '7', '--gpu-hour', String(USD_PER_HOUR), '--tolerance', String(TOLERANCE_HOURS)];
  const printed = await strata('replay', '--log', path, ...waiting, '--json', ...args);
  return printed
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { usd: number; boundUsd: number });
}

/** Every way in which the reads of one host can hit a cache that holds what was asked for last, as strings of h and m. */
function hitsOf(reads: readonly Name[], capacityBytes: number): string[] {
  let ways = new Map<string, { kept: ReadonlySet<Name>; hits: string }>([['', { kept: new Set(), hits: '' }]]);
  for (const object of reads) {
    const next: typeof ways = new Map();
    for (const { kept, hits } of ways.values()) {
      const others = [...kept].filter((one) => one !== object);
      for (let code = 0; code < 2 ** others.length; code += 1) {
        const some = [object, ...others.filter((_, place) => (code >> place) & 1)];
        if (some.reduce((sum, one) => sum + BYTES[one], 0) > capacityBytes) continue;
        const way = { kept: new Set(some), hits: hits + (kept.has(object) ? 'h' : 'm') };
        next.set(`${some.toSorted().join('')} ${way.hits}`, way);
      }
    }
    ways = next;
  }
  return [...new Set([...ways.values()].map(({ hits }) => hits))];
}

/** The least over all caches and all schedules of storage classes. */
function bruteForce(records: readonly AccessRecord[], capacityBytes: number): number {
  let combined: ReadonlyMap<AccessRecord, boolean>[] = [new Map()];
  for (const host of ['h1', 'h2']) {
    const own = records.filter((one) => one.host === host);
    const ways = hitsOf(
      own.map(({ object }) => object as Name),
      capacityBytes,
    );
    combined = combined.flatMap((before) =>
      ways.map((hits) => new Map([...before, ...own.map((one, index) => [one, hits[index] === 'h'] as const)])),
    );
  }
  const costs = combined.map((hits) => {
    const histories = new Histories(DAY_MS);
    let usd = 0;
    for (const one of records) {
      const hit = hits.get(one) === true;
      histories.add(one, hit ? 'cache' : 'store');
      if (!hit) usd += waitSeconds(one.objectBytes ?? 0, DEFAULT_MISS_WAIT) * SECOND_MS * setup.waiting.usdPerMs;
    }
    return usd + replayOptimum(histories.objects(), setup);
  });
  return Math.min(...costs);
}

const ONLINE = POLICY_NAMES.filter((name) => !parsePolicySpec(name).offline);

describe('the bound of all dollars behind caches of hosts', () => {
  it.each([
    { numRuns: 30, count: 3 },
    { numRuns: 6, count: ONLINE.length },
  ])(
    'is never above the total of any of $count policies, also with deletes, writes and ranges',
    async ({ numRuns, count }) => {
      const logs = fc.array(line, { minLength: 1, maxLength: 25 });
      // Of all of them in front of all storage policies: an optimum of its own each.
      const some = fc.shuffledSubarray(ONLINE, { minLength: count, maxLength: count });
      const sizes = fc.constantFrom('1GB', '4GB', '5GB');
      const rents = fc.constantFrom([], ['--host-tier', 'ssd'], ['--host-tier', 'ram']);
      await fc.assert(
        fc.asyncProperty(logs, sizes, some, rents, async (lines, size, policies, rent) => {
          const args = ['--host-cache', size, '--cache-policies', policies.join(), ...rent];
          for (const one of await played(recordsOf(lines), ...args)) {
            expect(one.usd).toBeGreaterThanOrEqual(one.boundUsd * (1 - 1e-9));
          }
        }),
        { numRuns },
      );
    },
  );

  it('is the best of all caches and schedules where everything fits, and never above it where not', async () => {
    const plain = line.map((one) => ({ ...one, op: 'read' as const, ranges: 1 }));
    const sizes = fc.constantFrom(3, 4, 6, 8);
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 6 }), sizes, async (lines, gigabytes) => {
        const records = recordsOf(lines);
        const [one] = await played(records, '--host-cache', `${gigabytes}GB`, '--policies', 'always-standard');
        const best = bruteForce(records, gigabytes * 1e9);
        expect(one?.boundUsd).toBeLessThanOrEqual(best * (1 + 1e-9));
        if (gigabytes === 8) expect(one?.boundUsd).toBeCloseTo(best, 9);
      }),
      { numRuns: 60 },
    );
  });
});
