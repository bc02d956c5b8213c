import type { Problem as PlaneProblem } from '../../events/host-api/v1.ts';
import type { FillFailure } from '../nvme/fill.ts';

/** RFC 9457; codes are append-only. */
export interface LocalProblem {
  readonly status: 400 | 401 | 403 | 404 | 409 | 421 | 429 | 500 | 503 | 507;
  readonly code: string;
  readonly title: string;
  readonly hint: string;
  readonly retryAfterSeconds?: number;
}

/** What the plane refused, in this API's words. */
export function problemOfPlane({ code, title, hint, retryAfterSeconds = 60 }: PlaneProblem): LocalProblem {
  switch (code) {
    case 'unknown-model':
    case 'unknown-version':
    case 'unknown-blob':
      return { status: 404, code, title, hint };
    case 'not-servable':
      return { status: 403, code, title, hint };
    case 'archived':
      return { status: 409, code, title, hint };
    case 'restores-limited':
      return { status: 429, code, title, hint, retryAfterSeconds };
    case 'bad-request':
      return { status: 400, code, title, hint };
    case 'unauthenticated':
    case 'clock-skew':
    case 'stale-generation':
    case 'host-not-allowed':
    case 'name-in-use':
    case 'unsupported-protocol':
    case 'internal':
      return { status: 503, code: 'plane-refused', title, hint, retryAfterSeconds: 5 };
  }
}

const FILL_PROBLEMS: Readonly<Record<FillFailure, Omit<LocalProblem, 'title'>>> = {
  'no-room': { status: 507, code: 'no-room', hint: 'End leases, unpin models, or give the store more room.' },
  draining: { status: 503, code: 'draining', hint: 'This host is leaving service; use another.' },
  'disk-error': { status: 500, code: 'disk-error', hint: 'See the agent’s log and the disk’s health.' },
  'wrong-bytes': {
    status: 503,
    code: 'wrong-bytes',
    hint: 'The origin’s bytes do not fit their digest; tell its operator.',
  },
  'origin-absent': { status: 503, code: 'origin-absent', hint: 'The origin no longer holds it; ask again later.' },
  'origin-archived': { status: 409, code: 'archived', hint: 'It must be restored before it can be read.' },
  'origin-unavailable': { status: 503, code: 'origin-unavailable', hint: 'The origin cannot be reached; ask again.' },
  denied: {
    status: 503,
    code: 'denied',
    hint: 'The origin is gone, or this host may not read it: ask again; if it stays so, check the role of hosts.',
  },
  superseded: { status: 409, code: 'superseded', hint: 'The plane evicted it meanwhile; ask again if you need it.' },
};

export function problemOfFill(code: FillFailure, message: string): LocalProblem {
  return { ...FILL_PROBLEMS[code], title: message };
}

export const PROBLEMS = {
  foreignHost: {
    status: 421,
    code: 'foreign-host',
    title: 'This API answers under localhost only.',
    hint: 'Call http://127.0.0.1 or the unix socket.',
  },
  noToken: {
    status: 401,
    code: 'no-token',
    title: 'The bearer token is missing or wrong.',
    hint: 'It is in the file api-token of the agent’s data folder, readable by the agent’s user.',
  },
  starting: {
    status: 503,
    code: 'starting',
    title: 'The agent is still opening its store.',
    hint: 'Ask again.',
    retryAfterSeconds: 1,
  },
  noLease: {
    status: 404,
    code: 'unknown-lease',
    title: 'There is no such lease; it may have expired.',
    hint: 'Ask for the model again.',
  },
  noRoute: { status: 404, code: 'unknown-route', title: 'There is nothing here.', hint: 'See docs/agent.md.' },
  noOperation: {
    status: 404,
    code: 'unknown-operation',
    title: 'Nobody asked for this version lately.',
    hint: 'GET /v1/models/{name@range} or /v1/blobs/{digest} starts its fetch.',
  },
  badReference: {
    status: 400,
    code: 'bad-reference',
    title: 'A model is named name@version, name@alias or name@range.',
    hint: 'Names have lower-case letters, digits, dot, dash and underscore; percent-encode a range.',
  },
  badDigest: {
    status: 400,
    code: 'bad-digest',
    title: 'A digest is 64 lower-case hexadecimal digits.',
    hint: 'It is the digest of `strata show --json`, not a SHA-256 of the whole file.',
  },
  badWait: {
    status: 400,
    code: 'bad-wait',
    title: 'wait is a number of seconds from 0 to 300.',
    hint: 'Leave it out to be answered at once.',
  },
  unreachable: {
    status: 503,
    code: 'plane-unreachable',
    title: 'The plane cannot be reached.',
    hint: 'What is on this host is under models/ meanwhile.',
    retryAfterSeconds: 5,
  },
  internal: { status: 500, code: 'internal', title: 'The agent failed.', hint: 'See its log.' },
} as const satisfies Record<string, LocalProblem>;
