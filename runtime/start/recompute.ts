import { createReadStream } from 'node:fs';
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { createPartHasher } from '../../lib/adapters/embedded/partHasher.ts';
import { blobDigest, PART_SIZE, PartHash } from '../../lib/shared/digest.ts';
import { Digest } from '../../lib/shared/ids.ts';

// A process of its own that believes nobody: it reads files and says whether their bytes have the digests that are claimed.
// Input on standard input: [{path, digest}] as JSON. One line of JSON per file. Exits 1 when a digest differs.

const Claims = z.array(z.strictObject({ path: z.string(), digest: Digest }));

async function digestOf(path: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const hasher = createPartHasher(PART_SIZE);
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('A file is read as bytes.');
    hasher.update(chunk);
    bytes += chunk.byteLength;
  }
  const hashes = z.array(PartHash).parse(hasher.finish().parts?.sha256);
  return { digest: blobDigest(bytes, PART_SIZE, hashes), bytes };
}

for (const { path, digest } of Claims.parse(JSON.parse(readFileSync(0, 'utf8')))) {
  const found = await digestOf(path);
  const same = found.digest === digest;
  if (!same) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ path, ...found, same })}\n`);
}
