import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  RestoreRow,
  settle,
  type SweepRun,
  SweepRunRow,
} from '../../../lib/catalog/index.ts';
import { loadAccesses } from '../../../lib/accesses/index.ts';
import { compileRates, TIER_RULES } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { restoreArchived } from '../../../lib/restores/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type Digest, ModelName } from '../../../lib/shared/ids.ts';
import type { TierRules } from '../../../lib/shared/tierSettings.ts';
import { DAY_MS, EpochMs, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { decideMove, packSettings } from '../../../lib/tiering/index.ts';
import { countRead } from '../reads.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

const ARCHIVE: TierRules = {
  ...TIER_RULES,
  version: 'archive-all',
  newContentDays: 0,
  warmAgeDays: 0,
  archiveAgeDays: 0,
  classes: { hot: 'GLACIER', warm: 'GLACIER', cold: 'GLACIER', archive: 'GLACIER' },
};
/** What is read goes back to where reads are cheap, also from an archive; the rest into one. */
const BY_READS: TierRules = {
  ...ARCHIVE,
  version: 'by-reads',
  hotPerDay: 2 / 30,
  warmPerDay: 1 / 30,
  classes: TIER_RULES.classes,
};
const ALL_COLD: TierRules = {
  ...BY_READS,
  version: 'all-cold',
  hotPerDay: 1_000,
  warmPerDay: 1_000,
  archiveAgeDays: 36_500,
};
const ALL_NEW: TierRules = { ...BY_READS, version: 'all-new', newContentDays: 36_500 };
const PLAN = 'plan';
const ORDER = 'order';
/** Smaller blobs stay where they are: archives charge for so many at least. */
/** What no budget holds up. */
const WAYS_HOME: ReadonlySet<string> = new Set(['fees-exceed-move', 'risk-ended']);
const LEAST_BYTES = 131_072;
const MOST_ATTEMPTS = 5;
const RECENT_MS = 7 * DAY_MS;

/**
 * Operators apply plans that archive everything, and sweep by rules of their own; hosts read on; the bucket tells of restores. Runs keep
 * to their limits.
 */
export function archives(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, bucket, counters } = stage;
  const life = scheduler.incarnation('archivers');
  const [readAction, readRun, readRestore] = [rowReader(ActionRow), rowReader(SweepRunRow), rowReader(RestoreRow)];
  const readBlob = rowReader(BlobRow);
  const rates = compileRates(shippedPriceBook());
  const moves = new Map<string, number>();
  let plans = 0;
  const isFocus = stage.focus === 'restores';
  /** The newest action: of a move it is written just before what its run has reserved. */
  let begun: Action | undefined;

  /** Most often one that is large enough to move; where all may be moved one that is read, by rules about reads from an archive. */
  async function someBlob(kind: string, policy: TierRules): Promise<Blob | undefined> {
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    const large = blobs.filter(({ size }) => size >= LEAST_BYTES);
    const wanted: Blob[] = [];
    if (kind === ORDER) {
      for (const blob of large) if ((await accessesOf(blob.digest)).accessesLast30Days > 0) wanted.push(blob);
    }
    const archived = wanted.filter(({ origin }) => origin.storageClass === 'GLACIER');
    const choices = [policy === BY_READS ? archived : [], wanted, rng.chance(0.8) ? large : [], blobs];
    return rng.pick(choices.find((some) => some.length > 0) ?? []);
  }

  const accessesOf = (digest: Digest) => loadAccesses(catalog, digest, EpochMs.parse(scheduler.now));

  function someWish(): readonly [typeof PLAN | typeof ORDER, TierRules] {
    return rng.chance(0.6)
      ? [PLAN, rng.chance(0.2) ? TIER_RULES : ARCHIVE]
      : [ORDER, rng.pick([ARCHIVE, BY_READS, BY_READS, ALL_COLD, ALL_NEW])];
  }

  async function archiveSome(): Promise<void> {
    const [kind, policy] = isFocus ? ([ORDER, ARCHIVE] as const) : someWish();
    const digest = (await someBlob(kind, policy))?.digest;
    if (digest === undefined) return;
    // Between the plan and its hour somebody reads.
    if (kind === PLAN && rng.chance(0.3)) await countRead(stage, digest);
    plans += 1;
    const deps = { ...stage.depsOf(life), rates };
    const correlationId = CorrelationId.parse(`archive-${plans}`);
    const limits = { budgetUsd: rng.chance(0.1) ? 0 : 1, mostMoves: 1 };
    const at = EpochMs.parse(scheduler.now);
    const to = rng.chance(0.1) ? ('GLACIER_IR' as const) : ('GLACIER' as const);
    const asShown = { only: { action: 'transition' as const, to } };
    const id = `${kind}-${plans}`;
    const packs = packSettings(deps.settings);
    const run = { id, shard: 0, limits, policy, packs, at, correlationId, ...(kind === PLAN ? asShown : {}) };
    const reason = await settle(deps.catalog, 'Archiving', () => decideMove(deps, run, digest));
    counters.count(`metric TierDecided ${reason} ${kind}`);
  }

  /** Nobody is in a hurry: days may pass until the restored copy is there, and until it is gone again. */
  async function restoreSome(): Promise<void> {
    const archived = [...catalog.committed('BLOB#')]
      .filter(({ key }) => key.sort === 'META')
      .map(readBlob)
      .filter(({ origin }) => origin.storageClass === 'GLACIER');
    if (archived.length === 0) return;
    const correlationId = CorrelationId.parse(`restore-${plans}`);
    const ask = { model: ModelName.parse('flux'), reason: 'operator', correlationId, withinMs: 2 * DAY_MS } as const;
    await restoreArchived({ ...stage.depsOf(life), rates }, { ...ask, limits: undefined, blobs: [rng.pick(archived)] });
  }

  async function orNoAnswer(what: () => Promise<void>): Promise<void> {
    await what().catch((error: unknown) => {
      if (!(error instanceof StrataError)) throw error;
      counters.count('archive: no answer');
    });
  }

  async function onAction({ before, after }: RowChange): Promise<void> {
    if (before !== undefined || after === undefined) return;
    const action = readAction(after);
    begun = action;
    if (action.type !== 'transition' || action.digest === undefined) return;
    if (action.actionId.startsWith(`transition-${PLAN}-`)) await checkUnused(action.digest);
    const [, sweep] = /^transition-(\d+)-/.exec(action.actionId) ?? [];
    if (sweep !== undefined) countMove(sweep);
  }

  /** A plan must not make dearer or slower to read what is in use. */
  async function checkUnused(digest: Digest): Promise<void> {
    const { lastAccessAt } = await accessesOf(digest);
    if (lastAccessAt !== undefined && scheduler.now - lastAccessAt < RECENT_MS) {
      violated(`${digest} is archived by a plan although it was read lately.`);
    }
    for (const item of catalog.committedIn(`BLOB#${digest}`)) {
      if (item.body['pinned'] === true) violated(`${digest} is archived although a host has pinned it.`);
    }
  }

  function countMove(sweep: string): void {
    const most = stage.depsOf(life).settings.sweepMostMoves;
    const count = (moves.get(sweep) ?? 0) + 1;
    moves.set(sweep, count);
    if (count > most) violated(`Sweep ${sweep} has set ${count} moves going, of ${most} that it may.`);
  }

  function onRun({ before, after }: RowChange): void {
    if (after === undefined) return;
    const run = readRun(after);
    if (run.moves > run.mostMoves) violated(`Run ${run.runId} of shard ${run.shard} set too many moves going.`);
    if (run.reservedUsd > run.budgetUsd)
      violated(`Run ${run.runId} of shard ${run.shard} spends more than its budget.`);
    checkKept(before, run);
    const was = before === undefined ? 0 : (readRun(before).homeUsd ?? 0);
    if ((run.homeUsd ?? 0) > was && !WAYS_HOME.has(begun?.reason ?? '')) {
      violated(`Run ${run.runId} of shard ${run.shard} spends besides its budget on a move that is ${begun?.reason}.`);
    }
    if ((run.homeUsd ?? 0) > was) counters.count('run: a way home');
  }

  /** Of the dollars of a sweep, some are kept for what has waited: they are part of its budget, and nobody else takes them. */
  function checkKept(before: RowChange['before'], run: SweepRun): void {
    const was = before === undefined ? undefined : readRun(before).kept;
    if (was !== undefined && run.kept === undefined) {
      counters.count('run: what has waited goes');
      if (begun?.digest !== was.digest)
        violated(`What run ${run.runId} keeps for ${was.digest} is spent on ${begun?.digest}.`);
    }
    if (run.kept === undefined || before !== undefined) return;
    counters.count('run: dollars are kept for what has waited');
    const most = stage.depsOf(life).settings.sweepBudgetUsd;
    const parts = [...catalog.committedIn(`RUN#${run.runId}`)].map(readRun);
    const usd = parts.reduce((sum, { budgetUsd }) => sum + budgetUsd, 0);
    if (usd > most) violated(`The shards of sweep ${run.runId} may spend ${usd}, of ${most} together.`);
  }

  function onRestore({ before, after }: RowChange): void {
    const was = before === undefined ? 'new' : readRestore(before).state;
    const is = after === undefined ? 'gone' : readRestore(after).state;
    if (was !== is) counters.count(`restore: ${was}→${is}`);
    if (after !== undefined && readRestore(after).attempt > MOST_ATTEMPTS)
      violated('A restore is asked for without end.');
  }

  /** Without those that wait for their turn: that may be another day. */
  function* restores(): Generator<string> {
    for (const item of catalog.committed('BLOB#')) {
      if (item.key.sort !== 'RESTORE') continue;
      const { digest, state } = readRestore(item);
      if (state !== 'queued') yield digest;
    }
  }

  return {
    act(durationMs) {
      const end = scheduler.now + durationMs;
      // Where dollars decide, mostly they alone.
      const until = stage.settings.tierPolicy === 'rules' || rng.chance(0.3) ? end : 0;
      scheduler.spawn(life, async () => {
        while (scheduler.now < until) {
          await scheduler.sleep(life, rng.below(isFocus ? 8 * SECOND_MS : 50 * SECOND_MS));
          await orNoAnswer(archiveSome);
        }
        if (until === end && rng.chance(isFocus ? 1 : 0.6)) await orNoAnswer(restoreSome);
      });
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, MINUTE_MS / 2);
          bucket.tellRestores();
        }
      });
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('ACTION#')) return onAction(change);
      if (partition.startsWith('RUN#')) onRun(change);
      else if (partition.startsWith('BLOB#') && sort === 'RESTORE') onRestore(change);
      return undefined;
    },
    atRest: () => restores().next().done === true,
    async check() {
      for (const digest of restores()) violated(`Blob ${digest} is still being restored.`);
    },
  };
}
