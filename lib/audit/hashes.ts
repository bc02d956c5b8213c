import { hash } from 'node:crypto';
import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { canonicalJson, type Json } from '../shared/canonicalJson.ts';

/** What stands before the first entry of an object, and before the first seal. */
export const NOTHING_BEFORE = '0'.repeat(64);

/** SHA-256 over the canonical JSON, lower-case hex: what the next entry of the object names as `previous`. */
export function entryHash(entry: AuditEntry): string {
  return hashOf(entry);
}

/** Of a seal's bytes as they lie in the bucket. */
export function sealHash(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

/** SHA-256 over the canonical JSON of what the catalog keeps. */
export function hashOf(value: Json): string {
  return hash('sha256', canonicalJson(value));
}
