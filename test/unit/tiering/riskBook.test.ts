import { array, assert, boolean, constantFrom, oneof, property, record, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { AllowanceRow, type Blob, type BlobRisk, BlobRow, shardOf, SWEEP_SHARDS } from '../../../lib/catalog/index.ts';
import {
  compileRates,
  decideTier,
  DOLLARS,
  rememberReads,
  slackUsd,
  switchUsd,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { READS_COVERED } from '../../../lib/placement/allowance.ts';
import { readUsd, storageUsd } from '../../../lib/placement/bill.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { partHash } from '../../../lib/shared/digest.ts';
import { CorrelationId, Digest } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, HOUR_MS, Usd } from '../../../lib/shared/units.ts';
import { accrueAllowance } from '../../../lib/tiering/accrueAllowance.ts';
import { loadRiskBook, riskChanges, riskFacts } from '../../../lib/tiering/riskBook.ts';
import { blobOf } from '../../support/fleetWorld.ts';
import { createManualClock } from '../../support/manualClock.ts';

const rates = compileRates(shippedPriceBook());
const home = rates.of('INTELLIGENT_TIERING');
const START = 4000 * DAY_MS;
const DAYS = 500;
/** What lies idle beside: its dollars make the account. */
const POOL_BYTES = 30e12;
const GB = 1e9;
const clock = createManualClock();
const correlationId = CorrelationId.parse('test');

/** One blob under the policy, and under Intelligent-Tiering: what each has paid. */
interface Played {
  blob: Blob;
  readonly createdAt: number;
  readonly days: Set<number>;
  /** Reads whenever it is out of Intelligent-Tiering, and now and then to tempt it out. */
  readonly spiteful: boolean;
  readonly reads: { at: number; reads: number }[];
  shadowUsd: number;
  spentUsd: number;
}

const digestOf = (seed: number): Digest => {
  for (let salt = 0; ; salt += 1) {
    const digest = Digest.parse(partHash(Buffer.from(`${seed} ${salt}`)));
    if (shardOf(digest, SWEEP_SHARDS) === 0) return digest;
  }
};

function played(seed: number, bytes: number, gaps: readonly number[], spiteful: boolean): Played {
  const createdAt = START - 1500 * DAY_MS;
  const blob: Blob = {
    ...blobOf('a', EpochMs.parse(createdAt)),
    digest: digestOf(seed),
    size: Bytes.parse(bytes),
  };
  const origin = {
    ...blob.origin,
    storageClass: 'INTELLIGENT_TIERING' as const,
    billedSince: EpochMs.parse(createdAt),
  };
  const days = new Set<number>();
  let day = -1;
  for (const gap of gaps) days.add((day += gap));
  return { blob: { ...blob, origin }, createdAt, days, spiteful, reads: [], shadowUsd: 0, spentUsd: 0 };
}

function factsOf(one: Played, now: EpochMs): TierFacts {
  const last = one.reads.at(-1)?.at;
  return {
    digest: one.blob.digest,
    bytes: one.blob.size,
    storageClass: one.blob.origin.storageClass,
    createdAt: one.blob.createdAt,
    transitionedAt: one.blob.origin.billedSince,
    accessesLast30Days: one.reads.filter(({ at }) => at > now - 30 * DAY_MS).length,
    ...(last === undefined ? {} : { lastAccessAt: EpochMs.parse(last) }),
    memory: rememberReads(one.createdAt, one.reads, now, DOLLARS.prior),
  };
}

/** The day's sweep of one blob with the real decision and account; a move is made at once. */
async function sweep(
  catalog: ReturnType<typeof createSqliteCatalogStore>,
  one: Played,
  now: EpochMs,
): Promise<boolean> {
  const book = (await loadRiskBook(catalog, one.blob.digest, DOLLARS))!;
  // Counts know days: each stands for its noon.
  const bucketDays = one.reads.map(({ at, reads }) => {
    const noon = at - (at % DAY_MS) + DAY_MS / 2;
    return { at: EpochMs.parse(Math.min(now, noon)), reads };
  });
  const facts = { ...factsOf(one, now), ...riskFacts(book, one.blob, bucketDays, DOLLARS, rates, now) };
  const decision = decideTier(facts, DOLLARS, rates, now);
  const changes = riskChanges(book, one.blob, bucketDays, facts, decision, rates, now);
  if (changes.length > 0) await catalog.transact(changes);
  if (decision.action === 'keep') return false;
  const heldMs = now - one.blob.origin.billedSince;
  const standing = { bytes: one.blob.size, heldMs, idleMs: 0 };
  one.spentUsd += switchUsd(rates.of(decision.from), rates.of(decision.to), standing);
  // Switched a moment after it was decided.
  const at = EpochMs.parse(now + 1);
  one.blob = {
    ...one.blob,
    transitionedAt: at,
    origin: { ...one.blob.origin, storageClass: decision.to, billedSince: at },
  };
  return true;
}

/** The rest of the day: storage, and at most the reads that an account covers. */
function live(one: Played, day: number, now: EpochMs): void {
  const { blob, reads } = one;
  const here = rates.of(blob.origin.storageClass);
  const last = reads.at(-1)?.at ?? one.createdAt;
  one.shadowUsd += storageUsd(home, blob.size, DAY_MS, now - last);
  one.spentUsd += storageUsd(here, blob.size, DAY_MS, now - Math.max(last, blob.origin.billedSince));
  const out = blob.origin.storageClass !== 'INTELLIGENT_TIERING' && now > blob.origin.billedSince;
  const tempting = now - last > 60 * DAY_MS;
  if (!(one.spiteful ? out || tempting : one.days.has(day))) return;
  const count = one.spiteful ? READS_COVERED : 1;
  reads.push({ at: now + DAY_MS - 1, reads: count });
  one.shadowUsd += count * readUsd(home, blob.size);
  one.spentUsd += count * readUsd(here, blob.size);
}

describe('the account of what is at risk', () => {
  const gaps = array(
    oneof(integer({ min: 1, max: 4 }), integer({ min: 30, max: 120 }), integer({ min: 200, max: 400 })),
    {
      maxLength: 12,
    },
  );
  const bytes = constantFrom(200_000, 20_000_000, 7_000_000_000, 90_000_000_000);
  const blobs = array(record({ bytes, gaps, spiteful: boolean() }), {
    minLength: 1,
    maxLength: 6,
  });

  it.each([
    ['at midnight', 0],
    ['at 03:00, reads between midnight and then', 3 * HOUR_MS],
    ['at 20:00', 20 * HOUR_MS],
  ])(
    'loses at most one percent of what Intelligent-Tiering would have cost, whatever is read, and moves at all: swept %s',
    async (_when, hour) => {
      let moves = 0;
      for (const [seed, sample] of samples(blobs, 12).entries()) {
        const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
        const all = sample.map((one, index) => played(seed * 10 + index, one.bytes, one.gaps, one.spiteful));
        await catalog.transact(all.map(({ blob }) => BlobRow.put(blob, 'absent')));
        for (let day = 0; day < DAYS; day += 1) {
          const now = EpochMs.parse(START + day * DAY_MS + hour);
          for (const one of all) if (await sweep(catalog, one, now)) moves += 1;
          await accrueAllowance(
            { catalog, rates, clock },
            { schema: 'accrue-allowance/1', shard: 0, sweptAt: now, bytes: POOL_BYTES, correlationId },
          );
          for (const one of all) live(one, day, now);
          const account = (await AllowanceRow.get(catalog, 0))!.value;
          const lost = all.reduce((sum, one) => sum + one.spentUsd - one.shadowUsd, 0);
          expect(lost).toBeLessThanOrEqual(DOLLARS.allowance * account.shadowUsd + 1e-9);
          expect(slackUsd(account, DOLLARS.allowance)).toBeGreaterThanOrEqual(0);
          expect(account.reservedUsd).toBeGreaterThanOrEqual(-1e-9);
        }
      }
      expect(moves).toBeGreaterThan(10);
    },
  );

  it.each([0, 5])('knows a move that was made %i ms before its risk was opened, by the clock of its own', (early) => {
    const openedAt = EpochMs.parse(START);
    const risk: BlobRisk = {
      shard: 0,
      digest: digestOf(1),
      bytes: Bytes.parse(GB),
      from: 'STANDARD',
      to: 'GLACIER_IR',
      openedAt,
      idleMs: 0,
      movedUsd: Usd.parse(0.02),
      reservedUsd: Usd.parse(0.1),
    };
    const nothing = Usd.parse(0);
    const account = { shard: 0, shadowUsd: Usd.parse(100), settledUsd: nothing, reservedUsd: risk.reservedUsd };
    const book = {
      account: { value: { ...account, accruedThrough: openedAt }, version: 1 },
      risk: { value: risk, version: 1 },
    };
    const now = EpochMs.parse(START + 10 * DAY_MS);
    const { blob } = played(1, GB, [], false);
    const transitionedAt = EpochMs.parse(START - early);
    const within = (storageClass: 'GLACIER_IR' | 'INTELLIGENT_TIERING') =>
      riskFacts(book, { ...blob, transitionedAt, origin: { ...blob.origin, storageClass } }, [], DOLLARS, rates, now);

    expect(within('GLACIER_IR').atRisk?.reservedUsd).toBe(0.1);
    // Of what the account has, the way out and the way back are gone.
    expect(within('INTELLIGENT_TIERING').slackUsd).toBeLessThan(DOLLARS.allowance * 100 - 0.04);
  });

  function samples<T>(of: Parameters<typeof property<[T]>>[0], count: number): readonly T[] {
    const made: T[] = [];
    assert(
      property(of, (one) => {
        made.push(one);
      }),
      { numRuns: count, seed: 7 },
    );
    return made;
  }
});
