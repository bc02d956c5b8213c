import { type AccessSummary, loadAccesses, type ReadDay } from '../accesses/index.ts';
import {
  type Blob,
  queryAll,
  type Reference,
  ReferenceRow,
  type Replica,
  type ServiceLevel,
  ServiceLevelRow,
  startingWith,
  TombstoneRow,
  type Version,
  VersionRow,
} from '../catalog/index.ts';
import { packRefusal } from '../compression/index.ts';
import { type BlobExpiry, expiryOf } from '../expiry/index.ts';
import {
  homeClass,
  judgeLifecycle,
  type LifecyclePolicy,
  type PackingFacts,
  type PackTerms,
  type Rates,
  regretOfStay,
  rememberReads,
  type TierFacts,
  type TierPolicy,
} from '../placement/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { Bytes, type EpochMs } from '../shared/units.ts';
import { loadRiskBook, type RiskBook, riskFacts } from './riskBook.ts';

/** What is still read of a version that was retired: about twice a year. */
export const RETIRED_READS_PER_DAY = 2 / 365;
/** A blob that more versions share is one that everybody needs: it stays where it is. */
const MOST_REFERENCES = 100;

interface Referrer {
  readonly version: Version | undefined;
  readonly deleted: boolean;
  readonly level: ServiceLevel | undefined;
}

export interface LoadedTierFacts {
  readonly facts: TierFacts;
  readonly book: RiskBook | undefined;
  /** Every day with reads of the bucket, in their order. */
  readonly bucketDays: readonly ReadDay[];
  /** The version that the lifecycle preset would delete to free the blob. */
  readonly expires?: BlobExpiry['of'] | undefined;
}

/** Whether origins may be packed, and on which terms. */
export interface PackSettings {
  /** `dry-run`: told, not done. `off`: not thought of. Either way what is packed stays so until it is read, or unpacked by a decision. */
  readonly mode: SweepMode;
  readonly terms: PackTerms;
}

/** What a tier decision about one blob is made on, read from the catalog now. */
export async function loadTierFacts(
  store: CatalogStore,
  blob: Blob,
  replicas: readonly Replica[],
  { policy, packs }: { readonly policy: TierPolicy; readonly packs: PackSettings },
  rates: Rates,
  now: EpochMs,
): Promise<LoadedTierFacts> {
  const book = await loadRiskBook(store, blob.digest, policy);
  const accesses = await loadAccesses(store, blob.digest, now);
  const { accessesLast30Days, bucketDays, bucketReads, lastAccessAt } = accesses;
  const referrers = await loadReferrers(store, blob);
  const heldBy = holderOf(replicas, referrers);
  const packing = packingOf(blob, packs, rates);
  const known: TierFacts = {
    digest: blob.digest,
    bytes: blob.size,
    storageClass: blob.origin.storageClass,
    createdAt: blob.createdAt,
    transitionedAt: blob.origin.billedSince,
    accessesLast30Days,
    ...(lastAccessAt === undefined ? {} : { lastAccessAt }),
    bucketReads,
    ...(heldBy === undefined ? {} : { heldBy }),
    ...knownOfReads(blob, accesses, referrers ?? [], policy, rates, now),
    ...(packing === undefined ? {} : { packing }),
    ...(book === undefined ? {} : riskFacts(book, blob, bucketDays, policy, rates, now)),
  };
  if (policy.kind !== 'lifecycle') return { facts: known, book, bucketDays };
  const abandoned = isAbandoned(known, policy, now) ? await expiryOf(store, referrers, policy.rules, rates, now) : {};
  const { expiry, of: expires }: Partial<BlobExpiry> = abandoned;
  return { facts: expiry === undefined ? known : { ...known, expiry }, book, bucketDays, expires };
}

/** What is not is not looked at further. */
function isAbandoned(facts: TierFacts, { rules }: LifecyclePolicy, now: EpochMs): boolean {
  return judgeLifecycle({ ...facts, accesses: facts.accesses ?? 0, retained: false }, rules, now).action === 'delete';
}

/** What each policy looks at of the reads, past and promised. */
function knownOfReads(
  { createdAt, origin, size }: Blob,
  accesses: AccessSummary,
  referrers: readonly Referrer[],
  policy: TierPolicy,
  rates: Rates,
  now: EpochMs,
): Partial<TierFacts> {
  switch (policy.kind) {
    case 'rules':
      return strictestPromise(referrers);
    case 'dollars':
      return {
        memory: rememberReads(createdAt, accesses.bucketDays, now, policy.prior),
        ...regretOf(origin, size, accesses.bucketDays, rates, now),
        ...promisesOf(referrers, bucketPart(accesses)),
      };
    case 'lifecycle':
      return { accesses: sumOf(accesses.days), ...sharedPromise(referrers) };
  }
}

function regretOf(
  { billedSince, storageClass }: Blob['origin'],
  bytes: number,
  bucketDays: readonly ReadDay[],
  rates: Rates,
  now: EpochMs,
): Pick<TierFacts, 'regretUsd'> {
  const [one, home] = [storageClass, homeClass(rates)].map((name) => rates.of(name));
  if (one === undefined || home === undefined || one === home || !one.instant) return {};
  return { regretUsd: regretOfStay(one, home, bytes, billedSince, bucketDays, now) };
}

function packingOf(blob: Blob, { mode, terms }: PackSettings, rates: Rates): PackingFacts | undefined {
  const { compressibility, origin, partSize, size } = blob;
  const ratio = compressibility?.ratio;
  const parts = Math.max(1, Math.ceil(size / partSize));
  if (origin.packed !== undefined) return { packed: true, bytes: origin.packed.bytes, parts, terms };
  const instant = rates.of(origin.storageClass).instant;
  const refusal = packRefusal({ bytes: size, partSize, instant, packed: false, ratio });
  // Of what is archived the decision says so.
  if (mode === 'off' || ratio === undefined || (refusal !== undefined && refusal !== 'archived')) return undefined;
  return { packed: false, bytes: Bytes.parse(Math.min(size, Math.ceil(ratio * size))), parts, terms };
}

/** Who needs the blob; undefined where that are too many to look at each. */
async function loadReferrers(store: CatalogStore, { digest }: Blob): Promise<readonly Referrer[] | undefined> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  if (items.length > MOST_REFERENCES) return undefined;
  return Promise.all(items.map((item) => loadReferrer(store, ReferenceRow.parse(item).value)));
}

async function loadReferrer(store: CatalogStore, { model, version }: Reference): Promise<Referrer> {
  const published = await VersionRow.get(store, model, version);
  const buried = published === undefined ? await TombstoneRow.get(store, model, version) : undefined;
  const level = await ServiceLevelRow.get(store, model);
  return { version: published?.value ?? buried?.value.content, deleted: buried !== undefined, level: level?.value };
}

function holderOf(
  replicas: readonly Replica[],
  referrers: readonly Referrer[] | undefined,
): TierFacts['heldBy'] | undefined {
  if (replicas.some((one) => one.state === 'reserved')) return 'pending-fill';
  if (replicas.some((one) => one.pinned) || referrers === undefined) return 'pin';
  return referrers.some(({ version }) => version?.hold !== undefined) ? 'legal-hold' : undefined;
}

const sumOf = (days: readonly ReadDay[]): number => days.reduce((sum, { reads }) => sum + reads, 0);

/** Which part of the opens on hosts reads the bucket: all while none was counted, and never none. */
function bucketPart({ bucketDays, days }: AccessSummary): number {
  return (sumOf(bucketDays) + 1) / (sumOf(days) + 1);
}

/** What is known, or was promised, of the reads of the bucket: only where it is of everybody who needs the blob. */
function promisesOf(
  referrers: readonly Referrer[],
  part: number,
): Pick<TierFacts, 'knownReadsPerDay' | 'restoreToleranceMs' | 'waitingUsdPerHour'> {
  if (referrers.length === 0) return {};
  const reads = referrers.map((one) => readsOf(one, part));
  const known = reads.every((one) => one !== undefined);
  const tolerances = referrers.map(({ level }) => level?.restoreToleranceMs);
  const tolerant = tolerances.every((one) => one !== undefined);
  const waiting = Math.max(...referrers.map(({ level }) => level?.waitingUsdPerHour ?? 0));
  return {
    ...(known ? { knownReadsPerDay: reads.reduce((sum: number, one) => sum + (one ?? 0), 0) } : {}),
    ...(tolerant ? { restoreToleranceMs: Math.min(...tolerances.map((one) => one ?? 0)) } : {}),
    ...(waiting > 0 ? { waitingUsdPerHour: waiting } : {}),
  };
}

/** What was promised to anybody who needs the blob. */
function strictestPromise(referrers: readonly Referrer[]): Pick<TierFacts, 'restoreToleranceMs'> {
  const promised = referrers.flatMap(({ level }) => level?.restoreToleranceMs ?? []);
  return promised.length === 0 ? {} : { restoreToleranceMs: Math.min(...promised) };
}

/** Where something was promised to some and nothing to others, nobody waits. */
function sharedPromise(referrers: readonly Referrer[]): Pick<TierFacts, 'restoreToleranceMs'> {
  const strictest = strictestPromise(referrers);
  if (strictest.restoreToleranceMs === undefined) return {};
  return referrers.every(({ level }) => level?.restoreToleranceMs !== undefined)
    ? strictest
    : { restoreToleranceMs: 0 };
}

/** An operator says how often hosts open it. */
function readsOf({ version, deleted, level }: Referrer, part: number): number | undefined {
  if (deleted) return 0;
  if (version?.deprecated === true) return RETIRED_READS_PER_DAY;
  return level?.readsPerDay === undefined ? undefined : level.readsPerDay * part;
}
