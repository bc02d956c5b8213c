import {
  type Decided,
  everPublished,
  expectationOf,
  type Upload,
  UploadHeadRow,
  UploadRow,
  settle,
} from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { ObjectHead } from '../shared/ports/objectStore.ts';
import { Bytes } from '../shared/units.ts';
import { decideAdmission } from './decideAdmission.ts';
import { decideObservation, type Notification, type ObservationDecision } from './decideObservation.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { judgeUpload } from './judgeUpload.ts';
import { withdrawal } from './membership.ts';
import { quarantineNotices } from './messages.ts';
import { reportQuarantine } from './quarantine.ts';
import { decodedKey, parseUploadKey } from './uploadKey.ts';
import { step, uploadChanges } from './judgedRows.ts';

export interface Observation {
  /** As the notification carries it; whether it is encoded is found out here, once. */
  readonly rawKey: string;
  readonly notification: Notification;
  readonly correlationId: CorrelationId;
}

/**
 * Takes in what was told about one key. An accepted version gets its catalog row and its header verdict; a deleted or
 * replaced one is withdrawn. Idempotent, and right in any order: rows change only together with the key's head row.
 */
export async function observeUpload(deps: IngestDeps, observation: Observation, call: IngestCall): Promise<void> {
  const key = await resolveKey(deps, observation);
  const { decision, created } = await settle(deps.catalog, 'The upload', () => decide(deps, key, observation));
  const fields = { key, notification: observation.notification.kind, action: decision.action };
  if (decision.action !== 'accept') {
    call.telemetry.info('upload-observed', {
      ...fields,
      ...(decision.action === 'ignore' ? { reason: decision.reason } : {}),
    });
    return;
  }
  const { versionId } = decision.head;
  call.telemetry.info('upload-observed', { ...fields, versionId });
  if (created !== undefined) reportQuarantine(created, call);
  if (versionId !== undefined) await judgeUpload(deps, { key, versionId }, call);
}

/** The raw key where an object is or was under it, else the decoded one where that is so, else the raw one. */
async function resolveKey(deps: IngestDeps, { rawKey, notification }: Observation): Promise<string> {
  const decoded = decodedKey(rawKey);
  if (decoded === undefined || notification.kind === 'look') return rawKey;
  for (const key of [rawKey, decoded]) {
    const seen =
      notification.kind === 'created'
        ? (await deps.objects.head(key, notification.versionId)).outcome === 'found'
        : (await UploadHeadRow.get(deps.catalog, key)) !== undefined;
    if (seen) return key;
  }
  return rawKey;
}

interface Decision {
  readonly decision: ObservationDecision;
  readonly created?: Upload;
}

async function decide(deps: IngestDeps, key: string, observation: Observation): Promise<Decided<Decision>> {
  const head = await UploadHeadRow.get(deps.catalog, key);
  const answer = await deps.objects.head(key);
  const current = answer.outcome === 'found' ? answer.head : undefined;
  const decision = decideObservation({
    key,
    notification: observation.notification,
    head: head?.value,
    currentVersionId: current?.versionId,
  });
  if (decision.action === 'ignore') return { changes: [], answer: { decision } };
  const now = deps.clock.now();
  const previousId = head?.value.versionId;
  const previous = previousId === undefined ? undefined : await UploadRow.get(deps.catalog, key, previousId);
  const headPut = UploadHeadRow.put(decision.head, expectationOf(head));
  const withdrawn =
    previous === undefined || previousId === current?.versionId
      ? []
      : await withdrawal(deps.catalog, previous, { state: 'cancelled' }, now);
  if (decision.action === 'tombstone' || current === undefined) {
    return { changes: [headPut, ...withdrawn], answer: { decision } };
  }
  const known = await UploadRow.get(deps.catalog, key, current.versionId);
  if (known !== undefined) {
    const same = head !== undefined && previousId === current.versionId && !head.value.deleted;
    return { changes: same ? [] : [headPut, ...withdrawn], answer: { decision } };
  }
  const upload = await admit(deps, current, observation.correlationId);
  const put = await uploadChanges(deps.catalog, undefined, upload, step('observe-upload'), now);
  const told = quarantineNotices(upload, now);
  return {
    changes: [headPut, ...withdrawn, ...put, ...told],
    answer: { decision, created: upload },
  };
}

async function admit(deps: IngestDeps, current: ObjectHead, correlationId: CorrelationId): Promise<Upload> {
  const target = parseUploadKey(current.key);
  const version = target === undefined ? undefined : await everPublished(deps.catalog, target.model, target.version);
  const admission = decideAdmission({
    target,
    size: current.size,
    metadata: current.metadata,
    maxUploadBytes: deps.settings.maxUploadBytes,
    version,
  });
  const now = deps.clock.now();
  return {
    key: current.key,
    versionId: current.versionId,
    state: admission.admit ? 'observed' : 'quarantined',
    size: Bytes.parse(current.size),
    etag: current.etag,
    ...(target === undefined ? {} : { target }),
    ...(admission.set === undefined ? {} : { set: admission.set }),
    // The files of one set are one cause.
    correlationId: admission.set === undefined ? correlationId : CorrelationId.parse(admission.set),
    observedAt: now,
    movedAt: now,
    hop: 0,
    ...(admission.admit ? {} : { quarantine: admission.quarantine }),
  };
}
