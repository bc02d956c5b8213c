import { type Action, ActionRow, type Alternative, BlobRow } from '../../../lib/catalog/index.ts';
import { replayDelete } from '../../../lib/deletion/index.ts';
import {
  DOLLARS,
  firstAlternative,
  type Rates,
  receiptAlternative,
  replayFirst,
  replayTier,
  TIER_RULES,
} from '../../../lib/placement/index.ts';
import { replayRestore, replayRestored } from '../../../lib/restores/index.ts';
import { blobKey, manifestKey } from '../../../lib/shared/digest.ts';
import { rowReader, violated } from '../invariants.ts';
import { createReceiptRates } from '../receiptRates.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

interface Replayed {
  readonly chosen: string;
  readonly alternatives?: readonly Pick<Alternative, 'action' | 'usd'>[];
}

const PRICED: ReadonlySet<Action['type']> = new Set(['delete', 'place', 'restore', 'transition']);
const POLICIES = new Map([TIER_RULES, DOLLARS].map((policy) => [policy.version, policy] as const));

function replayed({ type, inputs, policy }: Action, rates: Rates): Replayed | undefined {
  switch (JSON.parse(inputs).decision) {
    case 'delete': {
      const again = replayDelete(inputs, rates);
      if (again?.action === 'keep') return { chosen: again.action };
      if (again === undefined) return undefined;
      const [once, monthly] = [again.earlyDeletionUsd, again.usdPerMonth];
      return {
        chosen: again.action,
        alternatives: [
          { action: 'delete', usd: once },
          { action: 'keep', usd: monthly },
        ],
      };
    }
    case 'first': {
      const again = replayFirst(inputs, DOLLARS, rates);
      return again && { chosen: `place ${again.storageClass}`, alternatives: again.alternatives.map(firstAlternative) };
    }
    case 'restored':
      return replayRestored(inputs, POLICIES.get(policy.split(' ')[0] ?? ''), rates);
    case 'tier': {
      const by = POLICIES.get(policy.split(' ')[0] ?? '');
      const again = by === undefined ? undefined : replayTier(inputs, by, rates);
      if (again === undefined) return undefined;
      if (again.action === 'keep') return { chosen: 'keep' };
      return { chosen: `${again.action} ${again.to}`, alternatives: again.alternatives.map(receiptAlternative) };
    }
    default:
      return type === 'restore' ? { chosen: `restore ${replayRestore(inputs, rates)}` } : undefined;
  }
}

/** What was decided can be decided again from its receipt alone, to the same dollars; and what it says was done has been done. */
export function receipts({ catalog, bucket, counters }: Stage): Capability {
  const read = rowReader(ActionRow);
  const readBlob = rowReader(BlobRow);
  const ratesOf = createReceiptRates(catalog);

  async function onDecision(action: Action): Promise<void> {
    // What the world's packers decide themselves names no prices.
    if (!PRICED.has(action.type) || action.policy === 'test') return;
    const again = replayed(action, await ratesOf(action.policy));
    // A test's own thresholds are no policy that ships.
    if (again === undefined) return;
    const { chosen, alternatives } = action;
    const told = { chosen, alternatives: alternatives.map(({ action, usd }) => ({ action, usd })) };
    if (again.chosen !== chosen) violated(`${action.actionId} chose ${chosen}, and replays to ${again.chosen}.`);
    const dollars = again.alternatives?.map(({ action, usd }) => ({ action, usd })) ?? told.alternatives;
    if (JSON.stringify(told.alternatives) !== JSON.stringify(dollars) || dollars.length === 0) {
      violated(`${action.actionId} tells ${JSON.stringify(told.alternatives)}, not ${JSON.stringify(dollars)}.`);
    }
    counters.count(`receipt replayed: ${action.type} ${JSON.parse(action.inputs).decision}`);
  }

  /** Before its delete is done, each version that was judged is gone. */
  async function onDone({ actionId, digest, inputs }: Action): Promise<void> {
    if (digest === undefined) violated(`${actionId} names no blob.`);
    const { facts } = JSON.parse(inputs);
    for (const { object, versionId } of facts.objects) {
      const key = (object === 'bytes' ? blobKey : manifestKey)(digest);
      if ((await bucket.head(key, versionId)).outcome === 'found') violated(`${actionId} is done, ${key} is there.`);
    }
  }

  /** What was restored for somebody lies where its receipt says, and by dollars that is the least of what might be chosen. */
  function onRestored({ actionId, alternatives, chosen, digest, inputs, policy, state }: Action): void {
    const { to } = JSON.parse(inputs);
    const mightBe = alternatives.filter(({ action, reason }) => action === chosen || reason === undefined);
    const [least] = mightBe.toSorted((one, other) => one.usd - other.usd);
    if (to === undefined && policy.startsWith('dollars') && least?.action !== chosen)
      violated(`${actionId} chose ${chosen}, although ${least?.action} is cheaper.`);
    if (state !== 'done' || digest === undefined) return;
    for (const item of catalog.committedIn(`BLOB#${digest}`)) {
      if (item.key.sort !== 'META') continue;
      const { origin } = readBlob(item);
      if (!chosen.endsWith(` ${origin.storageClass}`))
        violated(`${actionId} chose ${chosen}, not ${origin.storageClass}.`);
      counters.count(`restored to ${origin.storageClass} by ${policy.split('-')[0]}`);
    }
  }

  return {
    async onRow({ key, before, after }: RowChange) {
      if (!key.partition.startsWith('ACTION#') || after === undefined) return;
      const action = read(after);
      if (before === undefined) await onDecision(action);
      const ended = before === undefined || read(before).state !== 'done';
      if (action.type === 'delete' && action.state === 'done' && ended) await onDone(action);
      const changed = before === undefined || read(before).state !== action.state;
      if (action.reason === 'restored' && changed) onRestored(action);
    },
  };
}
