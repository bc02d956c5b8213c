import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import * as z from 'zod/mini';
import type { EmbeddedRuntime } from '../embeddedRuntime.ts';

const Written = z.object({ outcome: z.literal('written'), versionId: z.string() });

/** Uploads through the operator endpoint, as `strata push` does. */
export async function push(
  runtime: Pick<EmbeddedRuntime, 'url' | 'operatorToken'>,
  key: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(new URL(`/operator/objects/${key}`, runtime.url), {
    method: 'PUT',
    headers: { authorization: `Bearer ${runtime.operatorToken}` },
    body: ReadableStream.from(content),
    duplex: 'half',
    signal,
  });
  const text = await response.text();
  if (!response.ok || !Written.safeParse(JSON.parse(text)).success) throw new Error(`${key} was not uploaded: ${text}`);
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
    .slice(0, 128);
  return /^\.*$/.test(text) ? 'model' : text;
}
