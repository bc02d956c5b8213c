import * as z from 'zod/mini';
import { EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** Proof that an effect which leaves no row of its own was done: a counted batch, a fired schedule. Written with the effect. */
export const OnceValue = z.strictObject({ scope: z.string(), id: z.string(), at: EpochMs, expiresAt: EpochMs });
export type Once = z.infer<typeof OnceValue>;

export const OnceRow = defineRow({
  name: 'once',
  schemaVersion: 1,
  schema: OnceValue,
  key: (scope: string, id: string) => ({ partition: `ONCE#${scope}#${id}`, sort: 'META' }),
  keyOf: (value): [string, string] => [value.scope, value.id],
  expiresAt: (value) => value.expiresAt,
});
