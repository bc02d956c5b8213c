import { hash } from 'node:crypto';
import * as z from 'zod/mini';
import { AuditEntry } from '../../../events/audit-seal/v1.ts';
import { EpochMs } from '../../shared/units.ts';
import { defineRow, shardOf } from '../rowType.ts';

export const UNSEALED_SHARDS = 8;

const DIGITS = 12;
const ordinal = (number: number): string => String(number).padStart(DIGITS, '0');

/** One entry of an object's history; written once, with the change that it tells of, and never again. */
export const AuditEntryRow = defineRow({
  name: 'audit entry',
  schemaVersion: 1,
  schema: AuditEntry,
  key: (object: string, number: number) => ({ partition: `AUDIT#${object}`, sort: ordinal(number) }),
  keyOf: (value): [string, number] => [value.object, value.number],
});

/** An entry that no seal holds yet: written with the entry, deleted once a locked seal has it. */
export const UnsealedValue = z.strictObject({
  object: z.string(),
  number: z.number().check(z.int(), z.positive()),
  at: EpochMs,
});
export type Unsealed = z.infer<typeof UnsealedValue>;

export const UnsealedRow = defineRow({
  name: 'unsealed entry',
  schemaVersion: 1,
  schema: UnsealedValue,
  key: (object: string, number: number) => ({
    partition: `UNSEALED#${shardOf(object, UNSEALED_SHARDS)}`,
    // By object and then by number, whatever the clocks said: what one look finds of an object has no gap. Keys are longer than sort keys.
    sort: `${hash('sha256', object).slice(0, 32)}#${ordinal(number)}`,
  }),
  keyOf: (value): [string, number] => [value.object, value.number],
});

/** The newest seal whose entries are all known as sealed. The seals themselves lie locked in the audit bucket. */
export const SealHeadValue = z.strictObject({
  number: z.number().check(z.int(), z.positive()),
  /** SHA-256 of the seal's bytes. */
  hash: z.string(),
  sealedAt: EpochMs,
});
export type SealHead = z.infer<typeof SealHeadValue>;

export const SealHeadRow = defineRow({
  name: 'seal head',
  schemaVersion: 1,
  schema: SealHeadValue,
  key: () => ({ partition: 'SEALS', sort: 'HEAD' }),
  keyOf: (): [] => [],
});
