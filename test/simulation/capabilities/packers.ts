import type { TransitionReplica } from '../../../events/transition-replica/v1.ts';
import {
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  outboxPut,
  settle,
  storedBytes,
} from '../../../lib/catalog/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import type { Digest } from '../../../lib/shared/ids.ts';
import { EpochMs, SECOND_MS } from '../../../lib/shared/units.ts';
import { decidedTransition } from '../../support/decidedTransition.ts';
import { rowReader, violated } from '../invariants.ts';
import { originBytes } from '../originBytes.ts';
import type { Rng } from '../rng.ts';
import { digestOf } from '../samples.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** So long an origin outlives the switch to another at least. */
const GRACE_MS = 15 * 60 * SECOND_MS;

/**
 * Somebody decides that origins are packed; readers have them unpacked. A packed origin gives back the bytes of its digest from the write on
 * that names it, no host is ever told to read one, and what it replaced stays for as long as somebody may read it.
 */
export function packers(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, bucket, counters, partSize } = stage;
  const life = scheduler.incarnation('packers');
  const [readAction, readBlob] = [rowReader(ActionRow), rowReader(BlobRow)];
  const replaced = new Map<string, { readonly key: string; readonly at: number }>();
  let wishes = 0;

  async function packSome(): Promise<void> {
    const blobs = [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);
    const plain = blobs.filter(({ origin }) => origin.packed === undefined && origin.storageClass !== 'GLACIER');
    const [blob] = plain.length === 0 ? [] : [rng.pick(plain)];
    if (blob === undefined) return;
    wishes += 1;
    const belowRatio = rng.chance(0.8) ? 0.95 : 0.5;
    const to = rng.chance(0.7) ? blob.origin.storageClass : 'GLACIER_IR';
    const deps = stage.depsOf(life);
    const answer = await settle(deps.catalog, 'Packing', () => wish(deps, blob.digest, { to, belowRatio }));
    counters.count(`packing: ${answer}`);
  }

  async function wish(
    { catalog: store }: Pick<ReturnType<Stage['depsOf']>, 'catalog'>,
    digest: Digest,
    how: Pick<TransitionReplica, 'to' | 'belowRatio'>,
  ): Promise<Decided<string>> {
    const row = await BlobRow.get(store, digest);
    if (row === undefined || row.value.origin.packed !== undefined) return { changes: [], answer: 'too late' };
    const now = EpochMs.parse(scheduler.now);
    const packing = { ...how, encoding: 'byteplane-zstd-1' as const };
    const { action, message } = decidedTransition(row.value, `pack-${wishes}`, now, packing);
    const { actionId } = action;
    const unchanged = { kind: 'check' as const, key: BlobRow.key(digest), expect: { version: row.version } };
    const sent = outboxPut({ id: actionId, queue: 'transition', body: message }, now);
    return { changes: [ActionRow.put(action, 'absent'), sent, unchanged], answer: 'asked' };
  }

  async function onBlob({ before, after }: RowChange): Promise<void> {
    const was = before === undefined ? undefined : readBlob(before);
    const is = after === undefined ? undefined : readBlob(after);
    if (was !== undefined && is === undefined) forget(blobKey(was.digest));
    if (was === undefined || is === undefined || was.origin.versionId === is.origin.versionId) return;
    replaced.set(was.origin.versionId, { key: blobKey(was.digest), at: scheduler.now });
    const [from, to] = [was, is].map(({ origin }) => (origin.packed === undefined ? 'plain' : 'packed'));
    counters.count(`encoding: ${from}→${to}`);
    if (is.origin.packed !== undefined && from !== to) await checkPacked(is);
  }

  /** The write that tells a host where to fetch a blob checks its row. */
  function checkFetched(after: RowChange['after']): void {
    const { digest, host } = after === undefined ? {} : readAction(after);
    const blob = [...catalog.committedIn(`BLOB#${digest}`)].find(({ key }) => key.sort === 'META');
    if (blob !== undefined && readBlob(blob).origin.packed !== undefined)
      violated(`${host?.id} is told to fetch ${digest}, which is packed.`);
  }

  /**
   * The purge of a blob condemns all of it in the write that takes its row away. Killed before it has removed everything, it is finished
   * by the sweep of orphans, perhaps after the same bytes were published again: those lie in a version of their own.
   */
  function forget(purged: string): void {
    for (const [versionId, { key }] of replaced) if (key === purged) replaced.delete(versionId);
  }

  /** What comes out of it is what its digest names, and it takes as many bytes as the catalog says. */
  async function checkPacked(blob: Blob): Promise<void> {
    const { digest, size, origin } = blob;
    if (storedBytes(blob) >= size) violated(`Blob ${digest} was packed to ${storedBytes(blob)} of ${size} bytes.`);
    const bytes = await originBytes(bucket, blob).catch((error: unknown) => {
      violated(`Blob ${digest}: its packed origin cannot be unpacked (${String(error)}).`);
    });
    if (typeof bytes === 'string' && bytes === 'absent') violated(`Blob ${digest}: ${origin.versionId} is not there.`);
    if (typeof bytes !== 'string' && digestOf(bytes, partSize) !== digest) {
      violated(`Blob ${digest}: its packed origin holds other bytes.`);
    }
  }

  return {
    act(durationMs) {
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(80 * SECOND_MS));
          await packSome().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('packing: no answer');
          });
        }
      });
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('ACTION#prefetch-') && change.before === undefined) checkFetched(change.after);
      return partition.startsWith('BLOB#') && sort === 'META' ? onBlob(change) : undefined;
    },
    async onRemoval(key, versionId) {
      const since = versionId === undefined ? undefined : replaced.get(versionId);
      if (since?.key === key && scheduler.now - since.at < GRACE_MS) {
        violated(`${key} (${versionId}) was removed ${scheduler.now - since.at} ms after it was replaced.`);
      }
    },
  };
}
