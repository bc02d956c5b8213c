import { loadAccesses } from '../../../lib/accesses/index.ts';
import { ActionRow, BlobRow, ReplicaRow, settle } from '../../../lib/catalog/index.ts';
import { compileRates, PACK_TERMS, TIER_RULES } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type Digest } from '../../../lib/shared/ids.ts';
import type { TierRules } from '../../../lib/shared/tierSettings.ts';
import { DAY_MS, EpochMs, SECOND_MS } from '../../../lib/shared/units.ts';
import { decideMove } from '../../../lib/tiering/index.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** Packs at once what gets smaller at all, were it not for the guards. */
const EAGER: TierRules = { ...TIER_RULES, version: 'eager', newContentDays: 0, packIdleDays: 0 };
const PACKS = { mode: 'on', terms: { ...PACK_TERMS, aboveBytes: 0, belowRatio: 1 } } as const;
const RECENT_MS = 7 * DAY_MS;
const OFTEN = 3;

/** Sweeps of an operator who would pack everything: what is pinned, being fetched or in use stays as it is. */
export function packPlans(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters } = stage;
  const life = scheduler.incarnation('pack plans');
  const [readAction, readBlob, readReplica] = [rowReader(ActionRow), rowReader(BlobRow), rowReader(ReplicaRow)];
  const rates = compileRates(shippedPriceBook());
  /** Actions that would pack what was read before they were decided; a read that is counted meanwhile comes too late. */
  const readBefore = new Set<string>();
  const isFocus = stage.focus === 'pins';
  let plans = 0;

  async function decideSome(): Promise<void> {
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    if (blobs.length === 0) return;
    const pinned = isFocus ? blobs.filter((blob) => isPinned(blob.digest)) : [];
    const { digest } = rng.pick(pinned.length > 0 ? pinned : blobs);
    plans += 1;
    const id = `packplan-${plans}`;
    const limits = { budgetUsd: 1, mostMoves: 1 };
    const at = EpochMs.parse(scheduler.now);
    if (await isRead(digest)) readBefore.add(`transition-${id}-${digest}`);
    const run = { id, shard: 0, limits, policy: EAGER, packs: PACKS, at, correlationId: CorrelationId.parse(id) };
    const deps = { ...stage.depsOf(life), rates };
    const reason = await settle(deps.catalog, 'A plan to pack', () => decideMove(deps, run, digest));
    counters.count(`metric TierDecided ${reason} packplan`);
  }

  function onAction({ before, after }: RowChange): void {
    if (before !== undefined || after === undefined) return;
    const { actionId, chosen, digest } = readAction(after);
    if (digest === undefined || !actionId.startsWith('transition-packplan-')) return;
    counters.count(`packplan: ${chosen.split(' ')[0]}`);
    if (!chosen.startsWith('pack ')) return;
    if (readBefore.has(actionId)) violated(`${digest} is to be packed although it is read.`);
    if (isPinned(digest)) violated(`${digest} is to be packed although a host has pinned it.`);
  }

  function onBlob({ after }: RowChange): void {
    if (stage.packs || after === undefined) return;
    const { digest, origin } = readBlob(after);
    if (origin.packed !== undefined) violated(`${digest} was packed although that is switched off.`);
  }

  async function isRead(digest: Digest): Promise<boolean> {
    const { accessesLast30Days, lastAccessAt } = await loadAccesses(catalog, digest, EpochMs.parse(scheduler.now));
    const recent = lastAccessAt !== undefined && scheduler.now - lastAccessAt < RECENT_MS;
    return recent || accessesLast30Days >= OFTEN;
  }

  function isPinned(digest: Digest): boolean {
    const replicas = [...catalog.committedIn(`BLOB#${digest}`)].filter(({ key }) => key.sort.startsWith('REPLICA#'));
    return replicas.some((item) => readReplica(item).pinned);
  }

  return {
    act(durationMs) {
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(isFocus ? 12 * SECOND_MS : 90 * SECOND_MS));
          await decideSome().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('packplan: no answer');
          });
        }
      });
    },
    onRow(change) {
      if (change.key.sort === 'META' && change.key.partition.startsWith('BLOB#')) onBlob(change);
      return change.key.partition.startsWith('ACTION#') ? onAction(change) : undefined;
    },
  };
}
