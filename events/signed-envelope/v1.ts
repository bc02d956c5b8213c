import * as z from 'zod/mini';

/**
 * A message whose sender is proven. `payload` is the canonical JSON text that was signed (Ed25519, RFC 8032), kept as text
 * so that nobody has to rebuild it. The plane signs commands with the key `keyId`; a host signs what it reports with the
 * key pair of its generation, named `<host>.<generation>`.
 */
export const SignedEnvelope = z.strictObject({
  schema: z.literal('signed/1'),
  keyId: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,128}$/)),
  payload: z.string().check(z.maxLength(900_000)),
  signature: z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/)),
});
export type SignedEnvelope = z.infer<typeof SignedEnvelope>;
