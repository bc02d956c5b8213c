import type * as z from 'zod/mini';
import type { HostSession, Problem, ResolvedModel } from '../../events/host-api/v1.ts';
import {
  type RefreshAnswer,
  type RegistrationAnswer,
  refusalProblem,
  type ResolveAnswer,
} from '../../lib/fleet/index.ts';
import { canonicalJson } from '../../lib/shared/canonicalJson.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import type { HttpAnswer } from '../shared/httpHandler.ts';

/** Parses a request's body; throws `ContractError` where it is not of `schema`. */
export function parseBody<T>(schema: z.ZodMiniType<T>, body: string): T {
  const parsed = schema.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  throw new ContractError({
    code: 'invalid-message',
    message: 'The body is not what this route takes.',
    retryable: false,
    cause: parsed.error,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function sessionAnswer(answer: RegistrationAnswer | RefreshAnswer): HttpAnswer {
  if (answer.outcome === 'refused') return problemAnswer(refusalProblem(answer.reason));
  return jsonAnswer(answer.outcome === 'registered' ? 201 : 200, answer.session);
}

export function modelAnswer(answer: ResolveAnswer): HttpAnswer {
  if (answer.outcome === 'refused') return problemAnswer(refusalProblem(answer.reason));
  return jsonAnswer(200, answer.model);
}

function jsonAnswer(status: number, body: HostSession | ResolvedModel): HttpAnswer {
  return { status, headers: { 'cache-control': 'no-store' }, body: canonicalJson(body) };
}

/** RFC 9457. */
export function problemAnswer(problem: Problem): HttpAnswer {
  const { retryAfterSeconds } = problem;
  return {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
    body: canonicalJson(problem),
  };
}
