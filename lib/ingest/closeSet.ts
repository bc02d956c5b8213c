import type { UploadSet } from '../../events/upload-set/v1.ts';
import { SET_FILE } from '../../events/upload-set/v1.ts';
import {
  type Decided,
  everPublished,
  expectationOf,
  type SetFile,
  type Upload,
  UploadHeadRow,
  UploadRow,
  UploadSetRow,
  type VersionFile,
  settle,
} from '../catalog/index.ts';
import { KeySegment, type ModelName, type SemVer } from '../shared/ids.ts';
import { alignVersion } from './alignVersions.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { setFiles, withdrawal } from './membership.ts';
import { quarantineNotices } from './messages.ts';
import { IMMUTABLE, reportQuarantine } from './quarantine.ts';
import { fileRole, misfit, sameFiles } from './setRules.ts';
import { uploadKey } from './uploadKey.ts';
import { versionChanges } from './versionChanges.ts';

export interface SetName {
  readonly model: ModelName;
  readonly version: SemVer;
  readonly set: string;
}

/**
 * Publishes the version of a set when its `strata.json` and all of its files are there. Called after every write that may
 * have completed the set: whoever comes last sees everything, and the set's row lets one of two racers close it.
 */
export async function closeSet(deps: IngestDeps, name: SetName, call: IngestCall): Promise<void> {
  await quarantineMisfits(deps, name, call);
  const outcome = await settle(deps.catalog, 'The set', () => decideClosing(deps, name));
  if (outcome === 'other-version') await dissolve(deps, name, call);
  // A file may have been judged again between its own publication and that of its set.
  if (outcome === 'published' || outcome === 'already-published') await alignVersion(deps, name, call);
  if (outcome !== 'published') return;
  call.telemetry.info('version-published', { model: name.model, version: name.version, set: name.set });
  call.telemetry.metric('VersionsPublished', 'Count', 1);
}

type Closing = 'unknown-set' | 'incomplete' | 'already-published' | 'other-version' | 'published';

async function decideClosing(deps: IngestDeps, { model, version, set }: SetName): Promise<Decided<Closing>> {
  const gate = await UploadSetRow.get(deps.catalog, model, version, set);
  if (gate === undefined) return { changes: [], answer: 'unknown-set' };
  const published = await everPublished(deps.catalog, model, version);
  if (published !== undefined) {
    return { changes: [], answer: published.set === set ? 'already-published' : 'other-version' };
  }
  const members = new Map((await setFiles(deps.catalog, model, version, set)).map(({ value }) => [value.file, value]));
  const files: VersionFile[] = [];
  for (const listed of gate.value.manifest.files) {
    const member = members.get(listed.file);
    if (member === undefined || misfit(gate.value, member) !== undefined) return { changes: [], answer: 'incomplete' };
    files.push(versionFile(listed, member));
  }
  const now = deps.clock.now();
  const { correlationId } = gate.value;
  const publication = { model, version, files, set, publishedAt: now, correlationId, deprecated: false };
  return {
    changes: [
      UploadSetRow.put(gate.value, expectationOf(gate)),
      ...(await versionChanges(deps.catalog, publication, now)),
    ],
    answer: 'published',
  };
}

function versionFile(listed: UploadSet['files'][number], member: SetFile): VersionFile {
  return {
    file: member.file,
    role: listed.role ?? fileRole(member.file),
    kind: listed.kind ?? member.kind,
    digest: member.digest,
    size: member.size,
  };
}

/** Files that were ready before their `strata.json` came and do not fit it. */
async function quarantineMisfits(deps: IngestDeps, name: SetName, call: IngestCall): Promise<void> {
  const gate = await UploadSetRow.get(deps.catalog, name.model, name.version, name.set);
  if (gate === undefined) return;
  for (const { value: member } of await setFiles(deps.catalog, name.model, name.version, name.set)) {
    const quarantine = misfit(gate.value, member);
    if (quarantine !== undefined) await end(deps, name, member.file, { state: 'quarantined', quarantine }, call);
  }
}

/** The version was published by another set or file first. What has the same content is unchanged, the rest came too late. */
async function dissolve(deps: IngestDeps, name: SetName, call: IngestCall): Promise<void> {
  const published = await everPublished(deps.catalog, name.model, name.version);
  const gate = (await UploadSetRow.get(deps.catalog, name.model, name.version, name.set))?.value;
  if (published === undefined || gate === undefined) return;
  const ending = (same: boolean): Ending =>
    same ? { state: 'ready' } : { state: 'quarantined', quarantine: IMMUTABLE };
  for (const { value: member } of await setFiles(deps.catalog, name.model, name.version, name.set)) {
    const same = published.files.some(({ file, digest }) => file === member.file && digest === member.digest);
    await end(deps, name, member.file, ending(same), call);
  }
  await end(deps, name, KeySegment.parse(SET_FILE), ending(sameFiles(gate.manifest, published)), call);
}

type Ending = Pick<Upload, 'state' | 'quarantine'>;

/** Takes one ready file of a set out of it. */
async function end(
  deps: IngestDeps,
  { model, version }: SetName,
  file: KeySegment,
  ending: Ending,
  call: IngestCall,
): Promise<void> {
  const key = uploadKey({ model, version, file });
  const ended = await settle(deps.catalog, 'The set', async () => {
    const versionId = (await UploadHeadRow.get(deps.catalog, key))?.value.versionId;
    const upload = versionId === undefined ? undefined : await UploadRow.get(deps.catalog, key, versionId);
    if (upload === undefined) return { changes: [], answer: undefined };
    const now = deps.clock.now();
    const changes = await withdrawal(deps.catalog, upload, ending, now);
    if (changes.length === 0) return { changes, answer: undefined };
    const ended: Upload = { ...upload.value, ...ending };
    return { changes: [...changes, ...quarantineNotices(ended, now)], answer: ended };
  });
  if (ended !== undefined) reportQuarantine(ended, call);
}
