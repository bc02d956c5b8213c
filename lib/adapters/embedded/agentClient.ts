import type * as z from 'zod/mini';
import { PortError } from '../../shared/errors.ts';
import { PortProblem, unavailable } from './agentProtocol.ts';

export interface AgentClientOptions {
  /** Of the embedded runtime, as in `http://127.0.0.1:7070`. */
  readonly endpoint: string;
  /** The session token of the credentials in force; they change while the agent runs. */
  readonly token: () => string;
}

/** Longer than the longest poll, so that only a hung runtime meets it. */
const TIMEOUT_MS = 60_000;

/** One call to the runtime's agent endpoint; whatever is no success becomes the `PortError` that the runtime met. */
export async function callRuntime(options: AgentClientOptions, path: string, body?: unknown): Promise<Response> {
  const response = await send(options, path, body);
  if (response.ok) return response;
  const problem = PortProblem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) throw unavailable(`The runtime answered ${response.status} to ${path}.`);
  throw new PortError(problem.data);
}

async function send(options: AgentClientOptions, path: string, body: unknown): Promise<Response> {
  try {
    return await fetch(new URL(path, options.endpoint), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${options.token()}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw unavailable(`The runtime at ${options.endpoint} cannot be reached. Is \`npm start\` running?`, error);
  }
}

export async function readAnswer<T>(response: Response, schema: z.ZodMiniType<T>): Promise<T> {
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    throw unavailable('The runtime answered something else than this agent understands.', parsed.error);
  return parsed.data;
}
