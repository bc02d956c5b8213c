import { Worker } from 'node:worker_threads';

export interface PartToHash {
  readonly id: number;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

export interface HashedPart {
  readonly id: number;
  readonly sha256: string;
}

/**
 * A thread that hashes bytes where they lie, one part after the other; the caller leaves them as they are until the answer. WebCrypto
 * would copy each part first, on the thread that calls it.
 */
export interface HashThread {
  /** SHA-256 in base64, as S3's checksums have it. Rejects where the thread has ended. */
  sha256(bytes: Uint8Array<SharedArrayBuffer>): Promise<string>;
  close(): Promise<void>;
}

export function startHashThread(): HashThread {
  const asked = new Map<number, PromiseWithResolvers<string>>();
  let nextId = 0;
  let ended: Error | undefined;
  const worker = new Worker(new URL('hashWorker.ts', import.meta.url));

  function end(error: Error): void {
    ended ??= error;
    for (const { reject } of asked.values()) reject(ended);
    asked.clear();
  }

  worker.on('message', ({ id, sha256 }: HashedPart) => {
    asked.get(id)?.resolve(sha256);
    asked.delete(id);
  });
  worker.once('error', end);
  worker.once('exit', () => end(new Error('The thread that hashes has ended.')));

  return {
    sha256(bytes) {
      const answer = Promise.withResolvers<string>();
      if (ended !== undefined) answer.reject(ended);
      else {
        const part: PartToHash = { id: nextId, bytes };
        nextId += 1;
        asked.set(part.id, answer);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage(part);
      }
      return answer.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}
