import { deserialize, serialize } from 'node:v8';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import * as z from 'zod/mini';
import type { StreamState } from './pickle/streamState.ts';
import type { Facts } from './inspection.ts';
import { RULE_SET } from './ruleSet.ts';
import type { FindingsState } from './verdict.ts';

/** A judgement between two of its steps. */
export interface Progress {
  readonly size: number;
  readonly bytesRead: number;
  readonly requests: number;
  readonly findings: FindingsState;
  readonly facts: Facts;
  readonly stream: StreamState;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Its parts were written by `writeProgress` of the same rules: only that they are there is looked at. */
const Saved = z.object({
  rules: z.literal(RULE_SET),
  size: z.number(),
  bytesRead: z.number(),
  requests: z.number(),
  findings: z.custom<FindingsState>(isObject),
  facts: z.custom<Facts>(isObject),
  stream: z.custom<StreamState>(isObject),
});

/** Structured clone keeps what is shared and what refers to itself, as memos do. */
export function writeProgress(progress: Progress): Uint8Array {
  return zstdCompressSync(serialize({ rules: RULE_SET, ...progress }));
}

/** Undefined where other rules, another size or another release of the scanner wrote it: the judgement begins anew. */
export function readProgress(bytes: Uint8Array, size: number): Progress | undefined {
  try {
    const saved: unknown = deserialize(zstdDecompressSync(bytes));
    const parsed = Saved.safeParse(saved);
    return parsed.success && parsed.data.size === size ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
