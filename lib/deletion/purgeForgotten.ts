import type { PurgeBlob } from '../../events/purge-blob/v1.ts';
import { BlobRow, type Decided, expectationOf, settle } from '../catalog/index.ts';
import { type BlobPurgeStep, type BlobPurgeWait, decideBlobPurge, isForgotten } from './decideDeletion.ts';
import { ObjectDiffersError } from './errors.ts';
import { finishDeletion } from './finishDeletion.ts';
import { endStuck } from './stuckPurge.ts';
import { endBlob } from './purgeBlob.ts';
import { evictCopies, type PurgeDeps } from './purgeVersion.ts';
import { loadReferences, loadReplicas } from './versionRows.ts';

export type ForgottenAnswer =
  | BlobPurgeWait
  | 'purged'
  /** The bucket has another object than was judged: a person must look. */
  | 'object-differs'
  /** A version refers to it again. */
  | 'referenced'
  /** It is gone, or it has a version, or the set that it was withdrawn with may still be pushed again. */
  | 'not-forgotten';

/**
 * Takes away a blob that was copied for a set which was withdrawn before it was published, once no version has referred to it for as
 * long as a delete can be undone. Every check is made again now; killed anywhere and sent again it goes on.
 */
export async function purgeForgotten(deps: PurgeDeps, message: PurgeBlob): Promise<ForgottenAnswer> {
  const { digest } = message;
  const answer = await endOf(deps, message);
  deps.telemetry.metric('PurgeStep', 'Count', 1, { reason: answer });
  deps.telemetry.info('purge step', { reason: answer, digest });
  return answer;
}

async function endOf(deps: PurgeDeps, message: PurgeBlob): Promise<ForgottenAnswer> {
  try {
    const decided = await settle(deps.catalog, `Purging ${message.digest}`, () => decide(deps, message));
    return await carryOut(deps, message, decided);
  } catch (error) {
    if (!(error instanceof ObjectDiffersError)) throw error;
    await endStuck(deps, error);
    return 'object-differs';
  }
}

type Step = BlobPurgeStep | { readonly step: 'not-forgotten' };

async function carryOut(deps: PurgeDeps, message: PurgeBlob, decided: Step): Promise<ForgottenAnswer> {
  switch (decided.step) {
    case 'not-forgotten':
      // An earlier try may have been cut off between the rows and the objects.
      await finishDeletion(deps, message.digest);
      return 'not-forgotten';
    case 'keep-shared':
      return 'referenced';
    case 'wait':
      await evictCopies(deps, message, decided.evict);
      return decided.reason;
    case 'delete':
      await finishDeletion(deps, message.digest);
      return 'purged';
  }
}

async function decide(deps: PurgeDeps, { digest, correlationId }: PurgeBlob): Promise<Decided<Step>> {
  // Before the references: each write that adds one bumps the blob's row, so one that comes too late to be seen is a conflict.
  const blob = await BlobRow.get(deps.catalog, digest);
  const now = deps.clock.now();
  if (blob === undefined || !isForgotten(blob.value, now)) {
    return { changes: [], answer: { step: 'not-forgotten' } };
  }
  const references = await loadReferences(deps.catalog, digest);
  const replicas = await loadReplicas(deps.catalog, digest);
  const answer = decideBlobPurge({
    version: undefined,
    references: references.map(({ value }) => value),
    replicas: replicas.map(({ value }) => value),
  });
  switch (answer.step) {
    case 'wait':
      return { changes: [], answer };
    case 'keep-shared': {
      const { unreferencedAt: _forgotten, ...kept } = blob.value;
      return { changes: [BlobRow.put(kept, expectationOf(blob))], answer };
    }
    case 'delete': {
      const why = { correlationId, reason: 'never-published' };
      return { changes: await endBlob(deps, why, { blob, references, replicas, now }), answer };
    }
  }
}
