import type { ScanUpload } from '../../events/scan-upload/v1.ts';
import type { IngestDelivery, IngestDeps } from './deps.ts';
import { judgeLong } from './judgement.ts';
import { settleJudgement } from './settleVerdict.ts';

/**
 * Carries the long judgement of one upload on, from the progress that its row names, and hands over to the queue before the time
 * is up. Idempotent: a message of another hop than the row's has no effect.
 */
export async function scanUpload(deps: IngestDeps, message: ScanUpload, call: IngestDelivery): Promise<void> {
  await settleJudgement(deps, message, message.hop, call, (begun) =>
    judgeLong(deps, begun, begun.scan?.progress, call),
  );
}
