import * as z from 'zod/mini';
import { PortError } from '../../shared/errors.ts';
import { StorageClass } from '../../shared/ids.ts';
import { EpochMs } from '../../shared/units.ts';

// What agents and the embedded runtime say to each other over loopback, besides the host API that both runtimes have.

export const SendCall = z.strictObject({
  messages: z.array(z.strictObject({ body: z.string(), delaySeconds: z.optional(z.number()) })),
});
export const ReceiveCall = z.strictObject({
  max: z.number(),
  waitSeconds: z.number(),
  visibilitySeconds: z.number(),
});
export const RemoveCall = z.strictObject({ receiptHandle: z.string() });
export const VisibilityCall = z.strictObject({ receiptHandle: z.string(), visibilitySeconds: z.number() });

export const ReceiveAnswer = z.array(
  z.object({ messageId: z.string(), body: z.string(), receiptHandle: z.string(), receiveCount: z.number() }),
);

export const HeadAnswer = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('absent') }),
  z.object({
    outcome: z.literal('found'),
    head: z.object({
      key: z.string(),
      versionId: z.string(),
      size: z.number(),
      etag: z.string(),
      storageClass: StorageClass,
      lastModified: EpochMs,
      metadata: z.record(z.string(), z.string()),
      restore: z.optional(
        z.object({ state: z.enum(['archived', 'restoring', 'restored']), until: z.optional(EpochMs) }),
      ),
    }),
  }),
]);

/** Answers of a ranged read that are no bytes. */
export const ReadRefusal = z.object({ outcome: z.enum(['absent', 'archived']) });

const PortErrorCode = z.enum([
  'throttled',
  'unavailable',
  'too-large',
  'no-such-queue',
  'no-such-bucket',
  'access-denied',
  'invalid-request',
  'corrupt',
]);
export const PortProblem = z.object({ code: PortErrorCode, message: z.string(), retryable: z.boolean() });
export type PortProblem = z.infer<typeof PortProblem>;

export function problemOf(error: PortError): PortProblem {
  return { code: error.code, message: error.message, retryable: error.retryable };
}

export function unavailable(message: string, cause?: unknown): PortError {
  return new PortError({ code: 'unavailable', message, retryable: true, cause });
}
