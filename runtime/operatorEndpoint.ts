import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { problemOf } from '../lib/adapters/embedded/agentProtocol.ts';
import type { FileObjectStore } from '../lib/adapters/embedded/fileObjectStore.ts';
import { answerOperation, type Operations } from '../lib/operations/index.ts';
import { PortError } from '../lib/shared/errors.ts';
import { BODY_LIMITS, readJson, RequestError, statusOf, streamed } from './requestBody.ts';

export interface OperatorEndpointDeps {
  /** Whoever can read the token's file is an operator. */
  readonly token: string;
  readonly objects: FileObjectStore;
  readonly operations: Operations;
  /** Told of each finished upload. */
  readonly onUploaded?: (key: string, versionId: string, size: number) => void;
}

const UPLOADS = 'uploads/';
const METADATA_HEADER = 'x-strata-meta-';

/** What operators do with their AWS credentials there: upload models, delete uploads, run operations. */
export function createOperatorEndpoint(deps: OperatorEndpointDeps, limits = BODY_LIMITS): Hono {
  const app = new Hono();

  app.use('*', async (context, next) => {
    const given = context.req.header('authorization')?.replace(/^Bearer /, '') ?? '';
    if (!sameText(given, deps.token)) {
      const message = 'The operator token is missing or wrong. It stands in operator.json of the data folder.';
      throw new PortError({ code: 'access-denied', message, retryable: false });
    }
    await next();
  });

  app.put(`/objects/${UPLOADS}*`, async (context) => {
    const metadata = Object.fromEntries(
      Object.entries(context.req.header())
        .filter(([name]) => name.startsWith(METADATA_HEADER))
        .map(([name, value]) => [name.slice(METADATA_HEADER.length), value]),
    );
    const key = keyOf(context.req.url);
    const outcome = await deps.objects.upload(key, streamed(context, limits), { metadata });
    if (outcome.outcome === 'written') deps.onUploaded?.(key, outcome.versionId, outcome.size);
    return context.json(outcome);
  });
  app.delete(`/objects/${UPLOADS}*`, async (context) => {
    await deps.objects.remove(keyOf(context.req.url));
    return context.json({});
  });

  app.post('/operations/:name', async (context) => {
    const input = await readJson(context, limits);
    return context.json(await answerOperation(deps.operations, context.req.param('name'), input));
  });

  app.onError((error, context) => {
    if (!(error instanceof PortError)) throw error;
    return context.json(problemOf(error), statusOf(error, 401));
  });
  return app;
}

/** Throws `RequestError` 400 for a key outside of `uploads/`: routes match a path that is decoded, the key is not always where they saw it. */
function keyOf(url: string): string {
  const path = new URL(url).pathname.replace(/^.*?\/objects\//, '');
  let key: string;
  try {
    key = decodeURIComponent(path);
  } catch (error) {
    throw new RequestError(400, 'The key in the path is not percent-encoded UTF-8.', error);
  }
  if (!key.startsWith(UPLOADS)) throw new RequestError(400, `Operators write under ${UPLOADS} only.`);
  return key;
}

/** Compares in a time that tells nothing about either text. */
function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
