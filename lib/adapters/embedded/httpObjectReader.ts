import type { ObjectReader } from '../../shared/ports/objectStore.ts';
import { checkObjectKey, checkRange } from '../objectCalls.ts';
import type { SignedRequest } from '../transfer/worker/protocol.ts';
import { type AgentClientOptions, callRuntime, readAnswer } from './agentClient.ts';
import { HeadAnswer, ReadRefusal, unavailable } from './agentProtocol.ts';

/** A request for the bytes of one pinned version, to be sent with a range, by the session that the agent has now. */
export function blobRequest(
  { endpoint, token }: AgentClientOptions,
  { key, versionId }: { readonly key: string; readonly versionId: string },
): SignedRequest {
  checkObjectKey(key);
  const query = new URLSearchParams({ key, versionId });
  return {
    origin: new URL(endpoint).origin,
    target: `/agent/objects/bytes?${query.toString()}`,
    headers: { authorization: `Bearer ${token()}` },
  };
}

/** The objects of an embedded runtime as its agents see them: pinned versions below `blobs/`. */
export function createHttpObjectReader(options: AgentClientOptions): ObjectReader {
  return {
    async head(key, versionId) {
      checkObjectKey(key);
      const query = new URLSearchParams({ key, ...(versionId === undefined ? {} : { versionId }) });
      return readAnswer(await callRuntime(options, `/agent/objects/head?${query.toString()}`), HeadAnswer);
    },
    async readRange(key, versionId, offset, length) {
      checkObjectKey(key);
      checkRange(offset, length);
      const query = new URLSearchParams({ key, versionId, offset: String(offset), length: String(length) });
      const response = await callRuntime(options, `/agent/objects/range?${query.toString()}`);
      const isBytes = response.headers.get('content-type') === 'application/octet-stream';
      if (!isBytes) return readAnswer(response, ReadRefusal);
      try {
        return { outcome: 'read', bytes: new Uint8Array(await response.arrayBuffer()) };
      } catch (error) {
        throw unavailable(`The answer to a range of ${key} broke off.`, error);
      }
    },
  };
}
