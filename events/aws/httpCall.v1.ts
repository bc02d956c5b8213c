import * as z from 'zod/mini';

/** The part of Lambda's HTTP payload format 2.0 that we read; the embedded runtime makes the same. */
export const HttpCall = z.object({
  version: z.literal('2.0'),
  rawPath: z.string(),
  rawQueryString: z.optional(z.string()),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
  requestContext: z.object({
    http: z.object({ method: z.string() }),
    authorizer: z.optional(
      z.nullable(z.object({ iam: z.optional(z.nullable(z.object({ userArn: z.optional(z.nullable(z.string())) }))) })),
    ),
  }),
});
export type HttpCall = z.infer<typeof HttpCall>;
