import { type Action, ActionRow } from '../../../lib/catalog/index.ts';
import { replayDelete } from '../../../lib/deletion/index.ts';
import { blobKey, manifestKey } from '../../../lib/shared/digest.ts';
import { rowReader, violated } from '../invariants.ts';
import { createReceiptRates } from '../receiptRates.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** What was decided can be decided again from its receipt alone, to the same dollars; and what it says was done has been done. */
export function receipts({ catalog, bucket, counters }: Stage): Capability {
  const read = rowReader(ActionRow);
  const ratesOf = createReceiptRates(catalog);

  async function onDecision(action: Action): Promise<void> {
    if (action.type !== 'delete') return;
    const again = replayDelete(action.inputs, await ratesOf(action.policy));
    if (again?.action !== 'delete') violated(`The receipt of ${action.actionId} replays to ${JSON.stringify(again)}.`);
    const dollars = JSON.stringify([again.earlyDeletionUsd, again.usdPerMonth]);
    const told = JSON.stringify(action.alternatives.map(({ usd }) => usd));
    if (told !== dollars) violated(`${action.actionId} tells ${told}, not ${dollars}.`);
    counters.count('receipt replayed: delete');
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

  return {
    async onRow({ key, before, after }: RowChange) {
      if (!key.partition.startsWith('ACTION#') || after === undefined) return;
      const action = read(after);
      if (before === undefined) await onDecision(action);
      const ended = before === undefined || read(before).state !== 'done';
      if (action.type === 'delete' && action.state === 'done' && ended) await onDone(action);
    },
  };
}
