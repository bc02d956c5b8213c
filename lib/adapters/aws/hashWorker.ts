import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { HashedPart, PartToHash } from './hashThread.ts';

parentPort?.on('message', ({ id, bytes }: PartToHash) => {
  const answer: HashedPart = { id, sha256: createHash('sha256').update(bytes).digest('base64') };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(answer);
});
