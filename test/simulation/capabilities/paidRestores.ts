import { type Action, ActionRow, BlobRow } from '../../../lib/catalog/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import type { Digest, StorageClass } from '../../../lib/shared/ids.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Capability, Stage } from '../stage.ts';

const ARCHIVES: readonly StorageClass[] = ['GLACIER', 'DEEP_ARCHIVE'];

/**
 * No restore of the same bytes is paid for twice within a day while they can be read, or will be: only where the restored copy has expired, by
 * the bucket's own word, or where the asking before was never carried out. And restored bytes go to no class that is read at once where the
 * copy of an earlier transition lies: they would be restored once more after some vain copies.
 */
export function paidRestores({ bucket, catalog, counters, scheduler }: Stage): Capability {
  const [readAction, readBlob] = [rowReader(ActionRow), rowReader(BlobRow)];
  const paid = new Map<string, number>();

  function originOf(digest: Digest): string | undefined {
    for (const item of catalog.committedIn(`BLOB#${digest}`)) {
      if (item.key.sort === 'META') return readBlob(item).origin.versionId;
    }
    return undefined;
  }

  async function onRestore({ actionId, alternatives, chosen, digest, reason }: Action): Promise<void> {
    const versionId = digest && originOf(digest);
    const fee = alternatives.find(({ action }) => action === chosen)?.parts?.['fee'] ?? 0;
    // Unpacking is work of a function; making a restore faster is a wish of its own.
    if (digest === undefined || versionId === undefined || fee === 0 || reason === 'needed-sooner') return;
    const before = paid.get(versionId);
    paid.set(versionId, scheduler.now);
    if (before === undefined || scheduler.now - before >= DAY_MS) return counters.count('restore paid');
    const found = await bucket.head(blobKey(digest), versionId);
    const state = found.outcome === 'found' ? found.head.restore?.state : undefined;
    if (state === 'restored' || state === 'restoring')
      violated(`${actionId} pays within a day once more for bytes that are ${state} (${reason}).`);
    counters.count('restore paid again: expired');
  }

  function onRestoredMove({ actionId, chosen, outcome }: Action): void {
    if (outcome?.code !== 'target-occupied' || ARCHIVES.some((name) => chosen.endsWith(name))) return;
    violated(`${actionId} copies what is restored to where the copy of an earlier transition lies.`);
  }

  return {
    onRow({ key, before, after }) {
      if (after === undefined || !key.partition.startsWith('ACTION#')) return undefined;
      const action = readAction(after);
      if (action.type === 'transition' && action.reason === 'restored') return onRestoredMove(action);
      return before === undefined && action.type === 'restore' ? onRestore(action) : undefined;
    },
  };
}
