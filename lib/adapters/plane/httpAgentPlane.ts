import type * as z from 'zod/mini';
import { HostSession, Problem, ResolvedModel } from '../../../events/host-api/v1.ts';
import type { AgentPlane, PlaneAnswer } from '../../fleet/index.ts';
import { canonicalJson, type Json } from '../../shared/canonicalJson.ts';
import { PortError } from '../../shared/errors.ts';

export interface HttpAgentPlaneOptions {
  /** Of the host API, as in `http://127.0.0.1:7070`. */
  readonly endpoint: string;
  /** Headers that authenticate a registration by IAM; without it hosts register by their join token. */
  readonly signForIam?: (url: URL, body: string) => Promise<Readonly<Record<string, string>>>;
}

const TIMEOUT_MS = 30_000;

/** The plane over its HTTP host API. */
export function createHttpAgentPlane({ endpoint, signForIam }: HttpAgentPlaneOptions): AgentPlane {
  async function post<T>(
    path: string,
    payload: Json,
    schema: z.ZodMiniType<T>,
    sign?: HttpAgentPlaneOptions['signForIam'],
  ): Promise<PlaneAnswer<T>> {
    const url = new URL(path, endpoint);
    const body = canonicalJson(payload);
    const headers = { 'content-type': 'application/json', ...(await sign?.(url, body)) };
    const { status, json, requestId } = await exchange(url, { method: 'POST', headers, body });
    if (status >= 200 && status < 300) {
      const value = schema.safeParse(json);
      if (value.success) return { outcome: 'answered', value: value.data };
      throw unavailable(`The plane answered ${path} with something else than this agent understands.`, value.error);
    }
    const problem = Problem.safeParse(json);
    const limited = problem.success && problem.data.code === 'restores-limited';
    if (status === 429 && !limited) {
      throw new PortError({ code: 'throttled', message: `The plane is busy: ${path}.`, retryable: true });
    }
    if (status >= 500 || !problem.success)
      throw unavailable(`The plane answered ${status} to ${path} (request ${requestId ?? 'without an id'}).`);
    return { outcome: 'refused', problem: problem.data };
  }

  return {
    register: (request) =>
      signForIam === undefined
        ? post('/v1/hosts/join', request, HostSession)
        : post('/v1/hosts', request, HostSession, signForIam),
    rejoin: (envelope) => post('/v1/hosts/rejoin', envelope, HostSession),
    refresh: (envelope) => post('/v1/hosts/refresh', envelope, HostSession),
    resolve: (envelope) => post('/v1/resolve', envelope, ResolvedModel),
  };
}

async function exchange(
  url: URL,
  request: RequestInit,
): Promise<{ status: number; json: unknown; requestId: string | null }> {
  try {
    const response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, json: jsonOf(text), requestId: response.headers.get('x-request-id') };
  } catch (error) {
    throw unavailable(`The plane at ${url.origin} cannot be reached.`, error);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unavailable(message: string, cause?: unknown): PortError {
  return new PortError({ code: 'unavailable', message, retryable: true, cause });
}
