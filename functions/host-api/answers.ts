import type * as z from 'zod/mini';
import type { HostSession, Problem, ResolvedModel } from '../../events/host-api/v1.ts';
import {
  limitedProblem,
  type RefreshAnswer,
  type RegistrationAnswer,
  refusalProblem,
  type ResolveAnswer,
  restoringProblem,
  skewProblem,
} from '../../lib/fleet/index.ts';
import { canonicalJson } from '../../lib/shared/canonicalJson.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { KIB } from '../../lib/shared/units.ts';
import type { HttpAnswer, HttpRequest } from '../shared/httpHandler.ts';

/** The largest honest body is a registration with all its labels and subscriptions. */
const MOST_BYTES = 128 * KIB;
const MOST_ISSUES = 5;

/** A body that is refused before anything is looked up. */
export class BodyError extends ContractError {
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super({ code: 'invalid-message', message: problem.title, retryable: false, cause });
    this.problem = problem;
  }
}

/** Parses a request's body; throws `BodyError` 400, 413 or 415. */
export function parseBody<T>(schema: z.ZodMiniType<T>, { body, headers }: HttpRequest): T {
  const type = headers['content-type'];
  if (type !== undefined && !/^application\/json *(;|$)/i.test(type)) {
    throw refused(415, 'The body is JSON.', 'Send `content-type: application/json`.');
  }
  if (Buffer.byteLength(body) > MOST_BYTES) {
    throw refused(413, `The body has at most ${MOST_BYTES} bytes.`, 'Send fewer labels and subscriptions.');
  }
  const parsed = schema.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MOST_ISSUES);
  const errors = issues.map(({ path, message }) => ({ field: path.map(String).join('.'), message }));
  throw new BodyError({ ...badRequest('The body is not what this route takes.', VERSIONS), errors }, parsed.error);
}

const VERSIONS = 'Compare the agent’s version with the plane’s.';

function badRequest(title: string, hint: string, status = 400): Problem {
  return { status, code: 'bad-request', title, hint };
}

function refused(status: number, title: string, hint: string, cause?: unknown): BodyError {
  return new BodyError(badRequest(title, hint, status), cause);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(400, 'The body is no JSON.', VERSIONS, error);
  }
}

export function sessionAnswer(answer: RegistrationAnswer | RefreshAnswer): HttpAnswer {
  if (answer.outcome === 'refused') return problemAnswer(refusalProblem(answer.reason));
  if (answer.outcome === 'clock-skew') return problemAnswer(skewProblem(answer));
  return jsonAnswer(answer.outcome === 'registered' ? 201 : 200, answer.session);
}

/** `seed` tells calls apart, so that not all come back at once. */
export function modelAnswer(answer: ResolveAnswer, seed: string): HttpAnswer {
  switch (answer.outcome) {
    case 'resolved':
      return jsonAnswer(200, answer.model);
    case 'refused':
      return problemAnswer(refusalProblem(answer.reason));
    case 'clock-skew':
      return problemAnswer(skewProblem(answer));
    case 'restoring':
      return problemAnswer(restoringProblem(answer, seed));
    case 'limited':
      return problemAnswer(limitedProblem(answer.restore, answer.limits, answer.now, seed));
  }
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
