import type { Context } from 'hono';
import type { Agent } from '../agent.ts';
import type { Ensured, FetchState } from '../models/ensure.ts';
import { type LocalProblem, PROBLEMS, problemOfFill, problemOfPlane } from './problems.ts';

export interface AnswerConfig {
  /** Absolute; what the paths of answers start with. */
  readonly root: string;
  readonly leaseSeconds: number;
}

export function problemAnswer(context: Context, { status, retryAfterSeconds, ...rest }: LocalProblem): Response {
  if (retryAfterSeconds !== undefined) context.header('Retry-After', String(retryAfterSeconds));
  return context.body(JSON.stringify({ status, ...rest, retryAfterSeconds }), status, {
    'Content-Type': 'application/problem+json',
  });
}

export function ensuredAnswer(context: Context, config: AnswerConfig, ensured: Ensured): Response {
  switch (ensured.outcome) {
    case 'ready': {
      const [{ path, digest, kind }] = ensured.files;
      return context.json({
        model: ensured.model,
        version: ensured.version,
        path: `${config.root}/${path}`,
        digest,
        kind,
        lease: ensured.lease,
        expiresInSeconds: config.leaseSeconds,
        files: ensured.files.map((file) => ({ ...file, path: `${config.root}/${file.path}` })),
      });
    }
    case 'fetching': {
      const { operation } = ensured;
      context.header('Location', `/v1/operations/${operation}`);
      context.header('Retry-After', '1');
      return context.json({ operation, ...operationBody(ensured.fetch) }, 202);
    }
    case 'restoring': {
      const { operation, fetch, retryAfterSeconds } = ensured;
      context.header('Location', `/v1/operations/${operation}`);
      context.header('Retry-After', String(retryAfterSeconds));
      return context.json({ operation, ...operationBody(fetch) }, 202);
    }
    case 'refused':
      return problemAnswer(context, problemOfPlane(ensured.problem));
    case 'failed':
      return problemAnswer(context, problemOfFill(ensured.code, ensured.message));
    case 'unreachable':
      return problemAnswer(context, { ...PROBLEMS.unreachable, title: ensured.message });
  }
}

export function operationBody(fetch: FetchState) {
  switch (fetch.state) {
    case 'running': {
      const { bytesDone, totalBytes, secondsRemaining } = fetch;
      const percentDone = totalBytes === 0 ? 0 : Math.floor((bytesDone / totalBytes) * 100);
      const progress = { bytesDone, totalBytes, percentDone, secondsRemaining: secondsRemaining ?? null };
      return { status: 'running', progress };
    }
    case 'done':
      return { status: 'done' };
    case 'restoring':
      return { status: 'restoring', readyAt: new Date(fetch.readyAt).toISOString(), message: fetch.message };
    case 'failed':
      return { status: 'failed', error: problemOfFill(fetch.code, fetch.message) };
  }
}

export async function statusBody({ session, store }: Agent) {
  const registered = session.current();
  return {
    host: registered?.host ?? null,
    generation: registered?.generation ?? null,
    connected: session.connected(),
    draining: store.ledger.state.draining,
    activeLeases: store.leases.active(),
    residentBlobs: store.residents().length,
    ...(await store.measures()),
  };
}
