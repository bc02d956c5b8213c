import { SET_FILE } from '../../../events/upload-set/v1.ts';
import {
  everPublished,
  OrphanRow,
  queryAll,
  startingWith,
  TombstoneRow,
  type Upload,
  UploadHeadRow,
  UploadRow,
} from '../../../lib/catalog/index.ts';
import { type Digest, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import type { ItemKey } from '../../../lib/shared/ports/catalogStore.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { edgeWatch, rowReader, violated } from '../invariants.ts';
import { redrive } from '../redrive.ts';
import { digestOf } from '../samples.ts';
import { type KeyHistory, MISNAMED, Uploaders } from './uploaders.ts';

const UPLOAD_EDGES = [
  'new→observed',
  'new→quarantined',
  'observed→digesting',
  'observed→ready',
  'observed→quarantined',
  'observed→cancelled',
  'digesting→ready',
  'digesting→quarantined',
  'digesting→cancelled',
  // The rules changed between the verdict and the publication.
  'digesting→observed',
  // An operator released it.
  'quarantined→digesting',
  'ready→quarantined',
];

/** Uploads of every sort; in the end each has a verdict, the right one, and only its own bytes are published. */
export function uploads(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, partSize } = stage;
  const uploaders = new Uploaders(stage, rng);
  const [readUpload, readHead] = [rowReader(UploadRow), rowReader(UploadHeadRow)];
  const readTombstone = rowReader(TombstoneRow);
  const uploadEdge = edgeWatch(counters, 'upload', UPLOAD_EDGES);
  const digests = new WeakMap<Buffer, Digest>();

  /** Of bytes that somebody uploaded, which nobody changes. */
  function digestOnce(bytes: Buffer): Digest {
    const known = digests.get(bytes) ?? digestOf(bytes, partSize);
    digests.set(bytes, known);
    return known;
  }

  /** Sequencers of one key only grow: a tombstone beats any older put. */
  function onHead({ key, before, after }: RowChange): void {
    if (after === undefined) violated(`${key.partition}: the head row was deleted; an old event could raise the dead.`);
    if (before === undefined) return;
    const [was, is] = [readHead(before), readHead(after)];
    const width = Math.max(was.sequencer.length, is.sequencer.length);
    if (is.sequencer.padEnd(width, '0') < was.sequencer.padEnd(width, '0')) {
      violated(`${key.partition}: sequencer went back from ${was.sequencer} to ${is.sequencer}.`);
    }
  }

  /** A verdict is of the bytes of the version that it stands on, whatever lies under the key by now. */
  async function checkVerdict({ key, versionId, findings }: Upload): Promise<void> {
    const write = uploaders.histories.get(key)?.writes.find((one) => one.versionId === versionId);
    if (findings === undefined || write === undefined) return;
    const unnamed = await stage.releases.statusOf(findings.rules, write.bytes);
    const status = unnamed === 'clean' && key.endsWith(MISNAMED) ? 'invalid' : unnamed;
    if (status !== findings.status)
      violated(
        `${key} ${versionId}: ${findings.status} by ${findings.rules} is a verdict of other bytes, not ${status}.`,
      );
  }

  /** What was judged by rules that have changed is judged from its beginning, and not for ever. */
  function checkJudgedAgain(before: Upload, { key, state, hop, scan }: Upload): void {
    if (state !== 'observed') return;
    if (scan !== undefined) violated(`${key}: its judgement by other rules goes on at hop ${scan.hop}.`);
    if (hop <= before.hop) violated(`${key}: is judged again at hop ${hop}, without a bound.`);
  }

  async function onUpload({ key, before, after }: RowChange): Promise<void> {
    if (after === undefined) return;
    const was = before === undefined ? 'new' : readUpload(before).state;
    const upload = readUpload(after);
    uploadEdge(was, upload.state, key);
    const judgedBefore = before === undefined ? undefined : readUpload(before).findings;
    if (was === 'digesting' && before !== undefined) checkJudgedAgain(readUpload(before), upload);
    if (JSON.stringify(upload.findings) !== JSON.stringify(judgedBefore)) await checkVerdict(upload);
    const reason = upload.quarantine?.reason;
    const earlier = before === undefined ? undefined : readUpload(before).quarantine?.reason;
    if (reason === undefined || reason === earlier) return;
    counters.count(`quarantine: ${reason}`);
    // Without findings no scan of it ever ended.
    if (
      reason === 'unscannable' &&
      upload.findings === undefined &&
      !stage.deadlyKeys.has(upload.key) &&
      !stage.refusedReads.isRefused(upload.key)
    )
      violated(`${key.partition}: the file is blamed for scans that did end.`);
  }

  function onTombstone({ before, after }: RowChange): void {
    if (before === undefined && after !== undefined) uploaders.publishAgain(readTombstone(after).content);
  }

  async function onOrphan({ before, after }: RowChange): Promise<void> {
    if (before !== undefined || after === undefined) return;
    const orphan = OrphanRow.parse(after).value;
    if (orphan.state === 'condemned') await uploaders.publishOrphan(orphan);
  }

  /** Whether the newest version of every key was noticed, and no upload is open. */
  async function atRest(): Promise<boolean> {
    for (const [key, { writes, deleted }] of uploaders.histories) {
      const last = writes.at(-1);
      if (last === undefined || deleted) continue;
      if ((await UploadRow.get(catalog, key, last.versionId)) === undefined) return false;
    }
    for (const item of catalog.committed('UPLOAD#')) {
      if (isUploadKey(item.key) && isOpen(readUpload(item).state)) return false;
    }
    return true;
  }

  /** Whether a later release refused a file of the same version: a set with such a file may never be closed. */
  function isDisputed(key: string): boolean {
    const version = key.slice(0, key.lastIndexOf('/') + 1);
    for (const [other, { writes }] of uploaders.histories) {
      if (other.startsWith(version) && writes.some(({ bytes }) => stage.releases.isDisputed(bytes))) return true;
    }
    return false;
  }

  /** The message that closes a set may have failed too often: then an alarm calls an operator, and the set is closed after all. */
  async function redriveUploads(): Promise<void> {
    for (const queue of ['ingest', 'digest'] as const) await redrive(stage, queue);
  }

  async function checkKey(key: string, history: KeyHistory): Promise<void> {
    const items = await queryAll(catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
    const states = new Map(items.map((item) => UploadRow.parse(item).value).map((row) => [row.versionId, row]));
    const digest = await publishedDigest(stage, key);
    const head = await UploadHeadRow.get(catalog, key);
    // A purge takes away what was uploaded, too.
    const there = !history.deleted && (await stage.bucket.head(key)).outcome === 'found';
    if (there && head?.value.deleted === true) violated(`${key} has a tombstone and is in the bucket.`);
    const once = history.writes.length === 1 && history.deletes === 0;
    for (const [place, write] of history.writes.entries()) {
      const state = states.get(write.versionId);
      const last = place === history.writes.length - 1;
      if (state === undefined && last && !history.deleted) violated(`${key} ${write.versionId}: no verdict.`);
      if (state === undefined) continue;
      if (isOpen(state.state))
        violated(`${key} ${write.versionId}: still ${state.state} after everything came to rest.`);
      if (!once || write.expected === 'either' || isDisputed(key)) continue;
      if (state.state !== write.expected) {
        violated(
          `${key} ${write.versionId}: is ${state.state} (${state.quarantine?.reason ?? 'no reason'}), not ${write.expected}.`,
        );
      }
      const isModel = !key.endsWith(SET_FILE);
      if (write.expected === 'ready' && isModel && digest !== digestOnce(write.bytes)) {
        if (digest === undefined) await redriveUploads();
        violated(`${key} ${write.versionId}: published ${digest ?? 'nothing'}, not its bytes.`);
      }
    }
    if (digest !== undefined && !history.writes.some((write) => digestOnce(write.bytes) === digest))
      violated(`${key}: published ${digest}, which nobody uploaded there.`);
  }

  return {
    act: (durationMs) => uploaders.act(durationMs),
    async onRow(change) {
      const { partition, sort } = change.key;
      if (sort.startsWith('TOMBSTONE#')) onTombstone(change);
      if (sort.startsWith('ORPHAN#')) await onOrphan(change);
      if (!partition.startsWith('UPLOAD#')) return;
      if (sort === 'HEAD') onHead(change);
      else if (isUploadKey(change.key)) await onUpload(change);
    },
    atRest,
    async check() {
      for (const [key, history] of uploaders.histories) await checkKey(key, history);
    },
  };
}

function isUploadKey(key: ItemKey): boolean {
  return key.sort.startsWith('VERSION#');
}

function isOpen(state: string): boolean {
  return state === 'observed' || state === 'digesting';
}

async function publishedDigest({ catalog }: Stage, key: string): Promise<Digest | undefined> {
  const [, model, version, file] = key.split('/');
  const parsed = { model: ModelName.safeParse(model).data, version: SemVer.safeParse(version).data };
  if (parsed.model === undefined || parsed.version === undefined) return undefined;
  const published = await everPublished(catalog, parsed.model, parsed.version);
  return published?.files.find((candidate) => candidate.file === file)?.digest;
}
