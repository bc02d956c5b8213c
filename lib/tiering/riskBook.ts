import { loadAccesses, type ReadDay } from '../accesses/index.ts';
import {
  type AllowanceAccount,
  AllowanceRow,
  type Blob,
  type BlobRisk,
  expectationOf,
  RiskRow,
  shardOf,
  SWEEP_SHARDS,
  type Versioned,
} from '../catalog/index.ts';
import {
  exposureUsd,
  homeClass,
  lostUsd,
  READS_COVERED,
  readsOut,
  type Rates,
  slackUsd,
  switchUsd,
  type TierDecision,
  type TierFacts,
  type TierPolicy,
  unreadMs,
} from '../placement/index.ts';
import type { Digest, StorageClass } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs, Usd } from '../shared/units.ts';

/**
 * What moves on learned forecasts may lose, and what is reserved for one blob of it. A risk is opened in the write that decides the move,
 * raised when staying out may lose more than was thought, and settled by the first sweep that finds the blob elsewhere.
 */
export interface RiskBook {
  readonly account: Versioned<AllowanceAccount> | undefined;
  readonly risk: Versioned<BlobRisk> | undefined;
}

/** Undefined where the policy makes no learned moves. */
export async function loadRiskBook(
  store: CatalogStore,
  digest: Digest,
  policy: TierPolicy,
): Promise<RiskBook | undefined> {
  if (policy.kind !== 'dollars') return undefined;
  const shard = shardOf(digest, SWEEP_SHARDS);
  const account = await AllowanceRow.get(store, shard);
  // Without an account nothing was ever at risk.
  return { account, risk: account === undefined ? undefined : await RiskRow.get(store, shard, digest) };
}

/** What a move of the blob makes of its risk, in the write of that move: there it is, or gone from there. */
export async function movedRisk(
  catalog: CatalogStore,
  digest: Digest,
  to: StorageClass,
  at: EpochMs,
): Promise<readonly Change[]> {
  const shard = shardOf(digest, SWEEP_SHARDS);
  const row = await RiskRow.get(catalog, shard, digest);
  // None may be opened between this read and the write.
  if (row === undefined) return [{ kind: 'check', key: RiskRow.key(shard, digest), expect: 'absent' }];
  if (row.value.left !== undefined) return [];
  const { arrivedAt, to: out } = row.value;
  if (arrivedAt !== undefined) {
    const readsBefore = readsOn((await loadAccesses(catalog, digest, at)).bucketDays, at);
    return [RiskRow.put({ ...row.value, left: { at, to, readsBefore } }, expectationOf(row))];
  }
  return to === out ? [RiskRow.put({ ...row.value, arrivedAt: at }, expectationOf(row))] : [];
}

/** What was counted so far of the day of `at`. */
function readsOn(bucketDays: readonly ReadDay[], at: number): number {
  const start = at - (at % DAY_MS);
  return bucketDays.reduce((sum, day) => (day.at >= start && day.at < start + DAY_MS ? sum + day.reads : sum), 0);
}

/** A transition that has not begun by then never will: its action has expired. */
const GIVEN_UP_MS = 2 * DAY_MS;

/** `moving`: on its way out. `out`: where the risk is. `over`: elsewhere again. `cancelled`: it never got there. */
function phaseOf(
  risk: BlobRisk,
  { origin, transitionedAt }: Blob,
  now: number,
): 'moving' | 'out' | 'over' | 'cancelled' {
  if (risk.left !== undefined) return 'over';
  if (origin.storageClass === risk.to) return 'out';
  // By another function's clock a move may be as old as its risk, or older.
  const moved = transitionedAt !== undefined && transitionedAt > risk.openedAt;
  if (moved || origin.storageClass !== risk.from) return 'over';
  return now - risk.openedAt > GIVEN_UP_MS ? 'cancelled' : 'moving';
}

/** What a blob that is back has saved, or lost with a minus, its way back included. */
function resultUsd(risk: BlobRisk, blob: Blob, bucketDays: readonly ReadDay[], rates: Rates): number {
  // Others may have moved it on from where it went first, or back.
  const left: NonNullable<BlobRisk['left']> = risk.left ?? {
    at: blob.transitionedAt ?? EpochMs.parse(0),
    to: blob.origin.storageClass,
  };
  const [out, here, home] = [risk.to, left.to, homeClass(rates)].map((name) => rates.of(name));
  if (out === undefined || here === undefined || home === undefined) return 0;
  const until = { ...left, at: Math.max(risk.openedAt, left.at) };
  const heldMs = until.at - risk.openedAt;
  const wayUsd = switchUsd(out, here, { bytes: risk.bytes, heldMs, idleMs: 0 });
  const lastRead = readsOut(risk, bucketDays, until).at(-1)?.at;
  const shadowIdleMs = lastRead === undefined ? heldMs + risk.idleMs : until.at - lastRead;
  const back = { bytes: risk.bytes, heldMs: 0, idleMs: 0, shadowIdleMs };
  const lagUsd = exposureUsd(home, home, back, DAY_MS, { toleranceMs: 0, usdPerMs: 0 });
  return -(lostUsd(risk, bucketDays, until, rates) + wayUsd + lagUsd);
}

/** The account as it is once a risk that is over was settled, and the risk that is still open. */
interface Settled {
  readonly account: AllowanceAccount;
  readonly open: BlobRisk | undefined;
}

function settle(
  book: RiskBook,
  blob: Blob,
  bucketDays: readonly ReadDay[],
  rates: Rates,
  now: EpochMs,
): Settled | undefined {
  const account = book.account?.value;
  if (account === undefined) return undefined;
  const risk = book.risk?.value;
  if (risk === undefined) return { account, open: undefined };
  const phase = phaseOf(risk, blob, now);
  if (phase === 'moving' || phase === 'out') return { account, open: risk };
  const result = phase === 'over' ? resultUsd(risk, blob, bucketDays, rates) : 0;
  return { account: closed(account, risk, result), open: undefined };
}

/** Releases what was reserved and books what came of it. */
export function closed(account: AllowanceAccount, risk: BlobRisk, result: number): AllowanceAccount {
  const settledUsd = Usd.parse(account.settledUsd + result);
  return { ...account, settledUsd, reservedUsd: Usd.parse(account.reservedUsd - risk.reservedUsd) };
}

/** What a decision must know of the account. */
export function riskFacts(
  book: RiskBook,
  blob: Blob,
  bucketDays: readonly ReadDay[],
  policy: TierPolicy,
  rates: Rates,
  now: EpochMs,
): Pick<TierFacts, 'slackUsd' | 'atRisk'> {
  const settled = settle(book, blob, bucketDays, rates, now);
  if (settled === undefined || policy.kind !== 'dollars') return {};
  const { account, open } = settled;
  const slack = Usd.parse(slackUsd(account, policy.allowance));
  if (open === undefined || phaseOf(open, blob, now) !== 'out') return { slackUsd: slack };
  const lost = Usd.parse(lostUsd(open, bucketDays, { at: now }, rates));
  const { readsCovered, reservedUsd } = open;
  const covered = readsCovered === undefined ? {} : { readsCovered };
  return { slackUsd: slack, atRisk: { reservedUsd, lostUsd: lost, ...covered } };
}

/** What the account and the blob's risk become by a decision; nothing where neither changes. */
export function riskChanges(
  book: RiskBook,
  blob: Blob,
  bucketDays: readonly ReadDay[],
  facts: TierFacts,
  decision: TierDecision,
  rates: Rates,
  now: EpochMs,
): readonly Change[] {
  const settled = settle(book, blob, bucketDays, rates, now);
  if (settled === undefined) return [];
  let { account, open } = settled;
  const needed = decision.riskUsd === undefined ? undefined : Usd.parse(Math.max(0, decision.riskUsd));
  if (needed !== undefined && (decision.action === 'transition' || (open !== undefined && needed > open.reservedUsd))) {
    const reservedUsd = Usd.parse(account.reservedUsd - (open?.reservedUsd ?? 0) + needed);
    account = { ...account, reservedUsd };
    open =
      decision.action === 'transition'
        ? { ...opened(facts, decision, needed, account.shard, rates, now), readsBefore: readsOn(bucketDays, now) }
        : open && { ...open, reservedUsd: needed };
  }
  const changes: Change[] = [];
  if (account !== book.account?.value) changes.push(AllowanceRow.put(account, expectationOf(book.account)));
  if (open !== undefined && open !== book.risk?.value) changes.push(RiskRow.put(open, expectationOf(book.risk)));
  if (open === undefined && book.risk !== undefined) changes.push(forget(book.risk));
  return changes;
}

export function forget(risk: Versioned<BlobRisk>): Change {
  const { digest, shard } = risk.value;
  return { kind: 'delete', key: RiskRow.key(shard, digest), expect: { version: risk.version } };
}

/** What a risk that is left for another one has lost is part of what the next one has cost. */
function opened(
  facts: TierFacts,
  decision: Extract<TierDecision, { action: 'transition' }>,
  reservedUsd: Usd,
  shard: number,
  rates: Rates,
  now: EpochMs,
): BlobRisk {
  const heldMs = Math.max(0, now - facts.transitionedAt);
  const standing = { bytes: facts.bytes, heldMs, idleMs: 0 };
  const moveUsd = switchUsd(rates.of(facts.storageClass), rates.of(decision.to), standing);
  return {
    shard,
    digest: facts.digest,
    bytes: facts.bytes,
    from: facts.storageClass,
    to: decision.to,
    openedAt: now,
    idleMs: unreadMs(facts, now),
    movedUsd: Usd.parse(moveUsd + (facts.atRisk?.lostUsd ?? 0)),
    reservedUsd,
    readsCovered: READS_COVERED,
  };
}
