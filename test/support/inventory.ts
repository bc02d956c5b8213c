import { createMoveListedHandler } from '../../functions/move-listed/handler.ts';
import { createSweepInventoryHandler } from '../../functions/sweep-inventory/handler.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { testContext } from './envelopes.ts';
import type { TieringWorld } from './tieringWorld.ts';

/** What a distributed map sends to its function for some rows, at the world's moment. */
export function inventoryBatch(world: TieringWorld, keys: readonly string[], size = 1): object {
  const scheduledAt = world.clock.now();
  const sweepId = `sweep-${scheduledAt}`;
  return {
    BatchInput: { sweepId, scheduledAt, correlationId: sweepId },
    Items: keys.map((key) => ({
      Bucket: 'models',
      Key: key,
      Size: String(size),
      LastModifiedDate: '2020-01-01T00:00:00.000Z',
      StorageClass: 'STANDARD',
    })),
  };
}

export function sweepInventory(
  world: TieringWorld,
  digests: readonly Digest[],
  size = 1,
): Promise<Readonly<Record<string, number>>> {
  const handler = createSweepInventoryHandler(world.deps);
  return handler(inventoryBatch(world, digests.map(blobKey), size), testContext());
}

/** What the state machine sends when every batch was called, at the world's moment. */
export function endInventory(world: TieringWorld): Promise<Readonly<Record<string, number>>> {
  const scheduledAt = world.clock.now();
  const sweepId = `sweep-${scheduledAt}`;
  const event = { EndOf: { sweepId, scheduledAt, correlationId: sweepId } };
  return createSweepInventoryHandler(world.deps)(event, testContext());
}

/** Calls the function for lines of a manifest, one a call as S3 does. */
export async function moveListed(
  world: TieringWorld,
  userArguments: object,
  lines: readonly { readonly key: string; readonly versionId: string | null }[],
): Promise<readonly { readonly resultCode: string; readonly resultString: string }[]> {
  const handler = createMoveListedHandler(world.deps);
  const results = [];
  for (const [index, { key, versionId }] of lines.entries()) {
    const task = { taskId: String(index), s3Key: key, s3VersionId: versionId, s3Bucket: 'models' };
    const job = { id: 'job', userArguments };
    const call = { invocationSchemaVersion: '2.0', invocationId: `call ${index}`, job, tasks: [task] };
    const answer = await handler(call, testContext());
    results.push(...answer.results.map(({ resultCode, resultString }) => ({ resultCode, resultString })));
  }
  return results;
}
