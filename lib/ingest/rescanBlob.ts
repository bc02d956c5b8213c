import type { RescanBlob } from '../../events/rescan/v1.ts';
import type { WithdrawBlob } from '../../events/withdraw-blob/v1.ts';
import {
  type Blob,
  BlobRow,
  type Compressibility,
  type HeaderFindings,
  isAdmitted,
  outboxPut,
  placeNewest,
  sendOnce,
  settle,
} from '../catalog/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { blobKey } from '../shared/digest.ts';
import { PortError } from '../shared/errors.ts';
import type { IngestCall, IngestDelivery, IngestDeps } from './deps.ts';
import { IngestError } from './errors.ts';
import type { PinnedObject } from './hashParts.ts';
import { alignVersions } from './alignVersions.ts';
import { judgedBlobChanges, refuseOvertaken, step } from './judgedRows.ts';
import { judgeLong } from './judgement.ts';
import { blobReader } from './blobReader.ts';
import { sampleObject } from './sampleObject.ts';
import { isJudgedSince, noteJudging } from './startRescan.ts';

/** As of an upload: the largest pickle needs some dozens. */
const MOST_HOPS = 300;

/**
 * Judges the bytes of one blob again and writes the verdict on its row. From that write on nothing that the rules of today do not
 * admit is resolved or placed; its hosts are told to evict in the same write, and the versions that need it are withdrawn after it.
 * Repeated, it ends in the same rows.
 */
export async function rescanBlob(deps: IngestDeps, message: RescanBlob, call: IngestDelivery): Promise<void> {
  const blob = (await BlobRow.get(deps.catalog, message.digest))?.value;
  if (blob === undefined) return;
  await noteJudging(deps);
  // The versions may not stand by that verdict yet: whoever wrote it may have ended before.
  if (isJudgedSince(deps, message, blob.findings)) return alignVersions(deps, blob.digest, call);
  const pinned = { key: blobKey(blob.digest), versionId: blob.origin.versionId, size: blob.size };
  const judgement = await judgeLong(deps, pinned, message.progress, call, blobReader(deps.objects, blob));
  switch (judgement.outcome) {
    case 'absent':
      // A transition moved the origin between the two reads, or it is lost, which the reconciler repairs.
      throw new IngestError({
        code: 'object-busy',
        message: `The origin of ${blob.digest} moved while it was judged.`,
        retryable: true,
      });
    case 'archived':
      // Its verdict stays one of other rules, by which nothing is served.
      call.telemetry.metric('RescanArchived', 'Count', 1);
      return;
    case 'unfinished':
      return goOn(deps, message, judgement.progress);
    case 'judged': {
      const { findings } = judgement;
      // What was moved or archived meanwhile is left to the next re-scan, and what is refused is not worth a read.
      const wanted = blob.compressibility === undefined && blob.origin.packed === undefined && isAdmitted(findings);
      const compressibility = wanted ? await estimate(deps, pinned) : undefined;
      await settleFindings(deps, message, { before: blob.findings, findings, compressibility }, call);
    }
  }
}

/** None where the bytes cannot be read for good: an estimate is not worth a verdict. */
async function estimate(deps: IngestDeps, pinned: PinnedObject): Promise<Compressibility | undefined> {
  try {
    const sampled = await sampleObject(deps, pinned);
    return typeof sampled === 'string' ? undefined : sampled;
  } catch (error) {
    if (error instanceof PortError && !error.retryable) return undefined;
    throw error;
  }
}

async function goOn(deps: IngestDeps, message: RescanBlob, progress: string | undefined): Promise<void> {
  const hop = message.hop + 1;
  if (hop >= MOST_HOPS) {
    throw new IngestError({
      code: 'too-many-hops',
      message: `No verdict of ${message.digest} after ${hop} calls.`,
      retryable: false,
    });
  }
  const body = { ...message, hop, ...(progress === undefined ? {} : { progress }) };
  const id = `${message.rescanId} ${message.digest} ${hop}`;
  await sendOnce(deps, { scope: 'rescan-hop', id }, { queue: 'rescan', body });
}

async function settleFindings(
  deps: IngestDeps,
  message: RescanBlob,
  judged: {
    readonly before: HeaderFindings;
    readonly findings: HeaderFindings;
    readonly compressibility: Compressibility | undefined;
  },
  call: IngestCall,
): Promise<void> {
  const { digest, rescanId, correlationId } = message;
  const settled = await settle(deps.catalog, 'The re-scan', async () => {
    const row = await BlobRow.get(deps.catalog, digest);
    if (row === undefined) return { changes: [], answer: undefined };
    refuseOvertaken(judged.before, row.value.findings, judged.findings);
    const now = deps.clock.now();
    const findings = keepsOverride(row.value, judged.findings) ? row.value.findings : judged.findings;
    const measured = row.value.compressibility ?? judged.compressibility;
    const kept: Blob = { ...row.value, findings, ...(measured === undefined ? {} : { compressibility: measured }) };
    const answer = { before: row.value.findings, findings };
    // Written with its message before, by this delivery or another one.
    if (canonicalJson(kept) === canonicalJson(row.value)) return { changes: [], answer };
    const put = await judgedBlobChanges(deps.catalog, row, kept, { by: step('rescan-blob'), correlationId }, now);
    if (isAdmitted(findings)) return { changes: put, answer };
    const body: WithdrawBlob = { schema: 'withdraw-blob/1', digest, hop: 0, correlationId };
    const evict = outboxPut({ id: `withdraw:${rescanId}:${digest}`, queue: 'placement', body }, now);
    return { changes: [...put, evict], answer };
  });
  if (settled === undefined) return;
  const { before, findings } = settled;
  call.telemetry.metric('Rescanned', 'Count', 1, { status: findings.status });
  if (before.status !== findings.status) {
    call.telemetry.info('verdict-changed', { digest, before: before.status, status: findings.status });
  }
  await alignVersions(deps, digest, call);
  if (message.place !== true || !isAdmitted(findings)) return;
  await placeNewest(deps, { scope: 'restored-place', id: rescanId, correlationId }, digest);
}

/** An override stands for these bytes and the rules that it was given under. */
function keepsOverride({ findings }: Blob, judged: HeaderFindings): boolean {
  return findings.admission?.reason === 'overridden' && findings.rules === judged.rules;
}
