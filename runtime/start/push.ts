import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import * as z from 'zod/mini';
import type { EmbeddedRuntime } from '../embeddedRuntime.ts';

const Refused = z.object({ message: z.string() });
const Written = z.object({ outcome: z.literal('written'), versionId: z.string() });

/** A file could not be read, or the runtime did not take it. */
export class PushError extends Error {
  override readonly name = 'PushError';
}

/** Uploads through the operator endpoint, as `strata push` does. Throws `PushError`. */
export async function push(
  runtime: Pick<EmbeddedRuntime, 'url' | 'operatorToken'>,
  key: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let answer: { readonly ok: boolean; readonly text: string };
  try {
    const response = await fetch(new URL(`/operator/objects/${key}`, runtime.url), {
      method: 'PUT',
      headers: { authorization: `Bearer ${runtime.operatorToken}` },
      body: ReadableStream.from(content),
      duplex: 'half',
      signal,
    });
    answer = { ok: response.ok, text: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new PushError(`${key} was not uploaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (answer.ok && Written.safeParse(JSON.parse(answer.text)).success) return;
  const refusal = Refused.safeParse(JSON.parse(answer.text));
  throw new PushError(`${key} was not uploaded: ${refusal.success ? refusal.data.message : answer.text}`);
}

/** A file of the user's own: its name, in the characters that keys have, is the model's. */
export function userFile(path: string): { readonly key: string; readonly content: () => AsyncIterable<Uint8Array> } {
  const file = slug(basename(path));
  const model = slug(basename(path, extname(path)));
  return { key: `uploads/${model}/1.0.0/${file}`, content: () => createReadStream(path) };
}

function slug(name: string): string {
  const text = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    // No model is named like an option.
    .replace(/^-+/, '')
    .slice(0, 128);
  return /^\.*$/.test(text) ? 'model' : text;
}
