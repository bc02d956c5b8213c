import { SET_FILE } from '../../events/upload-set/v1.ts';
import { UploadRow } from '../catalog/index.ts';
import { closeSet } from './closeSet.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { judgeHead } from './judgement.ts';
import { receiveSet } from './receiveSet.ts';
import { settleJudgement } from './settleVerdict.ts';

/**
 * Gives an observed upload its verdict: what may be served goes on to the digest step, what needs more than a header-sized read
 * to the scan queue, the rest into quarantine. The verdict is bound to the pinned version. An upload in any other state, or one
 * whose long judgement is under way, is left as it is.
 */
export async function judgeUpload(deps: IngestDeps, pinned: PinnedUpload, call: IngestCall): Promise<void> {
  const upload = (await UploadRow.get(deps.catalog, pinned.key, pinned.versionId))?.value;
  if (upload?.target?.file === SET_FILE && upload.set !== undefined) {
    if (upload.state === 'observed') await receiveSet(deps, pinned, call);
    await closeSet(deps, { model: upload.target.model, version: upload.target.version, set: upload.set }, call);
    return;
  }
  if (upload?.state !== 'observed' || upload.scan !== undefined) return;
  await settleJudgement(deps, pinned, undefined, call, (begun) => judgeHead(deps, begun));
}
