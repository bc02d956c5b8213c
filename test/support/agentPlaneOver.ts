import { HostSession, Problem, ResolvedModel } from '../../events/host-api/v1.ts';
import type { AgentPlane, PlaneAnswer } from '../../lib/fleet/index.ts';

export interface PlaneCall {
  readonly path: string;
  readonly body: string;
  readonly callerArn?: string;
}

/** The plane as an agent sees it, over calls of the host API's own routes; `callerArn` is who the agent is to IAM. */
export function agentPlaneOver(
  call: (call: PlaneCall) => Promise<{ readonly statusCode: number; readonly body: string }>,
  callerArn?: string,
): AgentPlane {
  async function post<T>(path: string, body: unknown, parse: (json: unknown) => T): Promise<PlaneAnswer<T>> {
    const identity = path === '/v1/hosts' && callerArn !== undefined ? { callerArn } : {};
    const answer = await call({ path, body: JSON.stringify(body), ...identity });
    const json: unknown = JSON.parse(answer.body);
    if (answer.statusCode < 300) return { outcome: 'answered', value: parse(json) };
    return { outcome: 'refused', problem: Problem.parse(json) };
  }
  const session = (json: unknown) => HostSession.parse(json);
  return {
    register: (request) => post(callerArn === undefined ? '/v1/hosts/join' : '/v1/hosts', request, session),
    rejoin: (envelope) => post('/v1/hosts/rejoin', envelope, session),
    refresh: (envelope) => post('/v1/hosts/refresh', envelope, session),
    resolve: (envelope) => post('/v1/resolve', envelope, (json) => ResolvedModel.parse(json)),
  };
}
