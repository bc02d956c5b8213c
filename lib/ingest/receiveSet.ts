import { UploadSet } from '../../events/upload-set/v1.ts';
import {
  type Decided,
  expectationOf,
  type Upload,
  UploadRow,
  UploadSetRow,
  VersionRow,
  settle,
} from '../catalog/index.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { step, uploadChanges } from './judgedRows.ts';
import { quarantineNotices } from './messages.ts';
import { IMMUTABLE, type Quarantine, reportQuarantine } from './quarantine.ts';
import { sameFiles } from './setRules.ts';

/** 500 files with the longest names stay well below. */
const MAX_SET_BYTES = 1_000_000;

/** Takes in a `strata.json`: its upload is ready and its set known, or it is in quarantine. Reads the pinned version once. */
export async function receiveSet(deps: IngestDeps, pinned: PinnedUpload, call: IngestCall): Promise<void> {
  const first = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
  if (first?.value.state !== 'observed') return;
  const read = await readSet(deps, first.value);
  const moved = await settle(deps.catalog, 'The set', () => decide(deps, pinned, read));
  if (moved === undefined) return;
  call.telemetry.info('set-received', { key: moved.key, set: moved.set, state: moved.state });
  reportQuarantine(moved, call);
}

type ReadSet = { readonly manifest: UploadSet } | { readonly refused: Quarantine } | 'absent';

async function readSet(deps: IngestDeps, upload: Upload): Promise<ReadSet> {
  const refuse = (text: string): ReadSet => ({ refused: { reason: 'invalid-set', text } });
  // No store reads a range of nothing.
  if (upload.size === 0 || upload.size > MAX_SET_BYTES)
    return refuse(`strata.json has ${upload.size} bytes; 1 to ${MAX_SET_BYTES} are read.`);
  const answer = await deps.objects.readRange(upload.key, upload.versionId, 0, upload.size);
  if (answer.outcome === 'absent') return 'absent';
  if (answer.outcome === 'archived') return refuse('strata.json lies in an archived class.');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes));
  } catch {
    return refuse('strata.json is no JSON text.');
  }
  const parsed = UploadSet.safeParse(json);
  if (!parsed.success) return refuse('strata.json is no set of schema strata-set/1.');
  const manifest = parsed.data;
  if (manifest.set !== upload.set) return refuse('strata.json and its metadata name different sets.');
  const names = new Set(manifest.files.map(({ file }) => file));
  if (names.size < manifest.files.length) return refuse('strata.json names a file twice.');
  return { manifest };
}

async function decide(deps: IngestDeps, pinned: PinnedUpload, read: ReadSet): Promise<Decided<Upload | undefined>> {
  const row = await UploadRow.get(deps.catalog, pinned.key, pinned.versionId);
  const target = row?.value.target;
  if (row?.value.state !== 'observed' || target === undefined) return { changes: [], answer: undefined };
  const now = deps.clock.now();
  const move = (ending: Pick<Upload, 'state' | 'quarantine'>): Upload => ({ ...row.value, ...ending, movedAt: now });
  const put = (upload: Upload) => uploadChanges(deps.catalog, row, upload, step('receive-set'), now);
  const end = async (ending: Pick<Upload, 'state' | 'quarantine'>): Promise<Decided<Upload>> => {
    const moved = move(ending);
    return { changes: [...(await put(moved)), ...quarantineNotices(moved, now)], answer: moved };
  };
  if (read === 'absent') return end({ state: 'cancelled' });
  if ('refused' in read) return end({ state: 'quarantined', quarantine: read.refused });
  const published = await VersionRow.get(deps.catalog, target.model, target.version);
  if (published !== undefined) {
    return sameFiles(read.manifest, published.value)
      ? end({ state: 'ready' })
      : end({ state: 'quarantined', quarantine: IMMUTABLE });
  }
  const known = await UploadSetRow.get(deps.catalog, target.model, target.version, read.manifest.set);
  const ready = move({ state: 'ready' });
  const set = { model: target.model, version: target.version, manifest: read.manifest };
  return {
    changes: [
      ...(await put(ready)),
      UploadSetRow.put({ ...set, correlationId: ready.correlationId, receivedAt: now }, expectationOf(known)),
    ],
    answer: ready,
  };
}
