import {
  type AllowanceAccount,
  AllowanceRow,
  BlobRow,
  RiskRow,
  settle,
  shardOf,
  SWEEP_SHARDS,
} from '../../../lib/catalog/index.ts';
import { compileRates, DOLLARS, type DollarPolicy, floorUsd, slackUsd } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type Digest } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS, SECOND_MS, Usd } from '../../../lib/shared/units.ts';
import { decideMove, packSettings } from '../../../lib/tiering/index.ts';
import { rowReader, violated } from '../invariants.ts';
import { countRead } from '../reads.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { createWagerLedger } from '../wagerLedger.ts';

/** Believes that everything is read soon, so that what is out comes home. */
const HOT: DollarPolicy = { ...DOLLARS, version: 'dollars-hot', prior: { ...DOLLARS.prior, shape: 20 } };
/** Believes that hardly anything is ever read, so that it leaves Intelligent-Tiering whenever it may. */
const COLD: DollarPolicy = {
  ...DOLLARS,
  version: 'dollars-cold',
  horizonMs: 4000 * DAY_MS,
  prior: { ...DOLLARS.prior, exposureMs: 20_000 * DAY_MS },
};
const LEAST_BYTES = 131_072;
const WEEK_MS = 7 * DAY_MS;
/** Of dollars that were added and taken away again. */
const ROUNDING = 1e-12;

/**
 * Moves on bad forecasts under the dollars account, where dollars decide, and reads of what was moved. An account never promises more than it has, grows once a sweep and
 * only by what was stored, and what the moves have really lost stays below it.
 */
export function wagers(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters, inventoryMap } = stage;
  const life = scheduler.incarnation('wagers');
  const rates = compileRates(shippedPriceBook());
  const [readAccount, readRisk, readBlob] = [rowReader(AllowanceRow), rowReader(RiskRow), rowReader(BlobRow)];
  const ledger = createWagerLedger(stage, rates);
  const given = new Map<number, number>();
  let count = 0;
  let bold = 1;

  /** What sweeps have earned before the run began. */
  async function open(): Promise<void> {
    const nothing = Usd.parse(0);
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
      const settledUsd = Usd.parse(
        rng.pick([() => 0, nearlyEnough, nearlyEnough, nearlyEnough, () => rng.number() * 2e-4])(),
      );
      given.set(shard, settledUsd);
      const account = { shard, shadowUsd: nothing, settledUsd, reservedUsd: nothing };
      await catalog.transact([
        AllowanceRow.put({ ...account, accruedThrough: EpochMs.parse(scheduler.now) }, 'absent'),
      ]);
    }
  }

  /** For a move, and seldom for what a read of it would cost besides. */
  const nearlyEnough = () => 4e-5 * (1 + rng.number());

  function outOnRisk(): readonly Digest[] {
    const rows = [...catalog.committed('ALLOWANCE#')].filter(({ key }) => key.sort.startsWith('RISK#'));
    return rows.map((item) => readRisk(item).digest);
  }

  async function wager(): Promise<void> {
    const out = outOnRisk();
    if (out.length > 0 && rng.chance(0.35)) return countRead(stage, rng.pick(out));
    if (out.length > 0 && rng.chance(0.4)) return decide(rng.pick(out), rng.chance(0.85) ? COLD : HOT);
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    const large = blobs.filter(({ size }) => size >= LEAST_BYTES);
    if (large.length === 0) return;
    return decide(rng.pick(large).digest, rng.chance(bold) ? COLD : HOT);
  }

  async function decide(digest: Digest, policy: DollarPolicy): Promise<void> {
    count += 1;
    const run = {
      id: `wager-${count}`,
      shard: shardOf(digest, SWEEP_SHARDS),
      limits: { budgetUsd: 1, mostMoves: 1 },
      policy,
      packs: packSettings(stage.settings),
      at: EpochMs.parse(scheduler.now),
      correlationId: CorrelationId.parse(`wager-${count}`),
    };
    const deps = { ...stage.depsOf(life), rates };
    const reason = await settle(deps.catalog, 'A wager', () => decideMove(deps, run, digest));
    counters.count(`metric TierDecided ${reason} wager`);
  }

  /** After days: looks before the sweeps do at what is out, and still believes that nobody reads it. */
  async function hurry(until: number): Promise<void> {
    for (let out = outOnRisk(); out.length > 0 && scheduler.now < until; out = outOnRisk()) {
      const digest = rng.pick(out);
      // More than the account covers is lost by reads.
      if (rng.chance(0.3)) await countRead(stage, digest);
      await orNoAnswer(() => decide(digest, COLD));
      await scheduler.sleep(life, rng.below(3 * SECOND_MS));
    }
  }

  async function orNoAnswer(what: () => Promise<void>): Promise<void> {
    await what().catch((error: unknown) => {
      if (!(error instanceof StrataError)) throw error;
      counters.count('wager: no answer');
    });
  }

  function onAccount({ before, after }: RowChange): void {
    if (after === undefined) violated('A dollars account was deleted.');
    const is = readAccount(after);
    if (before === undefined) return;
    const was = readAccount(before);
    if (is.reservedUsd > was.reservedUsd && slackUsd(is, DOLLARS.allowance) <= 0 && overdrawn(is)) {
      violated(`The account of shard ${is.shard} promises more than it has.`);
    }
    if (is.reservedUsd < -ROUNDING) violated(`The account of shard ${is.shard} has reserved less than nothing.`);
    if (is.shadowUsd !== was.shadowUsd || is.accruedThrough !== was.accruedThrough) grown(was, is);
    if (is.settledUsd !== was.settledUsd) counters.count(`account: ${is.settledUsd > was.settledUsd ? 'won' : 'lost'}`);
  }

  function overdrawn({ reservedUsd, settledUsd, shadowUsd }: AllowanceAccount): boolean {
    return DOLLARS.allowance * shadowUsd + settledUsd - reservedUsd < -ROUNDING;
  }

  /** By what a sweep has seen that was stored since the sweep before it. */
  function grown(was: AllowanceAccount, is: AllowanceAccount): void {
    const ms = is.accruedThrough - was.accruedThrough;
    const grownUsd = is.shadowUsd - was.shadowUsd;
    if (ms <= 0) violated(`The account of shard ${is.shard} has grown twice by one sweep.`);
    const since = is.accruedThrough - WEEK_MS;
    const stored = ledger.storedBytes(is.shard, since, is.accruedThrough);
    const mostUsd = floorUsd(rates, stored, Math.min(ms, WEEK_MS));
    if (grownUsd > mostUsd + ROUNDING) {
      violated(`The account of shard ${is.shard} has grown by more than Intelligent-Tiering would have charged.`);
    }
    counters.count(grownUsd > 0 ? 'account: grown' : 'account: swept');
  }

  /** What came to the class of a learned move and left it is not out any more, whoever brings it back. */
  function onMove({ before, after }: RowChange): void {
    if (before === undefined || after === undefined) return;
    const [was, is] = [readBlob(before), readBlob(after)];
    if (was.origin.storageClass === is.origin.storageClass) return;
    for (const item of catalog.committedIn(`ALLOWANCE#${shardOf(is.digest, SWEEP_SHARDS)}`)) {
      if (item.key.sort !== `RISK#${is.digest}`) continue;
      const { arrivedAt, left, to } = readRisk(item);
      const came = to === is.origin.storageClass;
      if (came && arrivedAt === undefined) violated(`Nobody has noted that ${is.digest} came to ${to}.`);
      if (!came && arrivedAt !== undefined && left === undefined)
        violated(`Nobody has noted that ${is.digest} left ${to}.`);
      counters.count(left === undefined ? 'risk: came' : 'risk: left');
    }
  }

  function check(): void {
    const accounts = [...catalog.committed('ALLOWANCE#')];
    for (const item of accounts) {
      if (item.key.sort !== 'META') continue;
      const account = readAccount(item);
      const { reservedUsd, settledUsd, shadowUsd, shard } = account;
      const risks = accounts
        .filter(({ key }) => key.sort !== 'META' && key.partition === item.key.partition)
        .map(readRisk);
      const promised = risks.reduce((sum, risk) => sum + risk.reservedUsd, 0);
      if (Math.abs(promised - reservedUsd) > ROUNDING) {
        violated(`The account of shard ${shard} has reserved ${reservedUsd}, its ${risks.length} blobs ${promised}.`);
      }
      const bound = DOLLARS.allowance * shadowUsd + (given.get(shard) ?? 0);
      const lost = ledger.lostUsd(shard, scheduler.now);
      if (lost > bound + ROUNDING) {
        violated(`Shard ${shard} has lost ${lost} against Intelligent-Tiering, of ${bound}; settled ${settledUsd}.`);
      }
      if (lost > 0) counters.count('wagers: lost less than they may');
    }
  }

  if (stage.settings.tierPolicy !== 'dollars') return { atRest: () => inventoryMap.running() === 0 };
  return {
    begin() {
      if (given.size === 0) scheduler.spawn(life, open);
    },
    act(durationMs) {
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        await hurry(scheduler.now + MINUTE_MS / 2);
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(MINUTE_MS / 3));
          await orNoAnswer(wager);
        }
        bold = 0.3;
      });
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('ALLOWANCE#') && sort === 'META') onAccount(change);
      if (partition.startsWith('BLOB#') && sort.startsWith('ACCESS#')) ledger.onAccesses(change, scheduler.now);
      if (!partition.startsWith('BLOB#') || sort !== 'META') return undefined;
      onMove(change);
      return ledger.onBlob(change, scheduler.now);
    },
    onRemoval: (key, versionId) => ledger.onRemoval(key, versionId, scheduler.now),
    atRest: () => inventoryMap.running() === 0,
    async check() {
      check();
    },
  };
}
