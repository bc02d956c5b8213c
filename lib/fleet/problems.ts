import type { Problem } from '../../events/host-api/v1.ts';
import { ContractError, StrataError } from '../shared/errors.ts';
import { type LimitedRestore, MOST_IN_LINE, type RestoreLimits } from '../restores/index.ts';
import { type EpochMs, formatUsd, SECOND_MS, Usd } from '../shared/units.ts';
import { FleetError } from './errors.ts';
import type { RegistrationRefusal } from './decideRegistration.ts';
import { askAgainSeconds } from './askAgain.ts';
import type { ResolveRefusal, Restoring } from './resolveModel.ts';
import type { ClockSkew, SessionRefusal } from './sessions.ts';

type Refusal = RegistrationRefusal | SessionRefusal | ResolveRefusal;

const BUSY_SECONDS = 5;
const UNAUTHENTICATED = { status: 401, code: 'unauthenticated' } as const;
const NOT_ALLOWED = { status: 403, code: 'host-not-allowed' } as const;
const NAME_IN_USE = { status: 409, code: 'name-in-use' } as const;

/** What a host is told when it is refused, and what its operator can do. */
const REFUSALS: Readonly<Record<Refusal, Problem>> = {
  'unsupported-protocol': {
    status: 400,
    code: 'unsupported-protocol',
    title: 'The agent and the plane have no protocol in common.',
    hint: 'Upgrade the agent.',
  },
  'unknown-token': {
    ...UNAUTHENTICATED,
    title: 'The join token is unknown or has expired.',
    hint: 'Create another: strata token create HOST.',
  },
  'token-spent': {
    ...UNAUTHENTICATED,
    title: 'The join token was used as often as it may be.',
    hint: 'A host that restarts needs none: it goes on by the key in its store. For another host create another token.',
  },
  'not-covered': {
    ...NOT_ALLOWED,
    title: 'The join token is for hosts of other names.',
    hint: 'Use the name that the token was made for, or create one for this name: strata token create HOST.',
  },
  'foreign-identity': {
    ...NOT_ALLOWED,
    title: 'The caller’s IAM identity is not the host that it wants to register.',
    hint: 'A host registers under its role session’s name, an EC2 instance under its instance id, in a role that the plane was deployed with (hostRoles).',
  },
  'host-is-live': {
    ...NAME_IN_USE,
    title: 'A host of this name is in service, and this caller does not hold its key.',
    hint: 'Take another name. If the host has lost its store, wait until the plane counts it as silent.',
    retryAfterSeconds: 60,
  },
  'host-is-known': {
    ...NAME_IN_USE,
    title: 'A host of this name is registered; a token for many names registers new ones only.',
    hint: 'To put a host in its place, create a token for exactly this name: strata token create HOST.',
  },
  'unknown-host': {
    ...UNAUTHENTICATED,
    title: 'No such host is registered.',
    hint: 'Register the host.',
  },
  'stale-generation': {
    status: 409,
    code: 'stale-generation',
    title: 'A younger generation of this host is registered.',
    hint: 'Register again, unless another machine uses the same host name.',
  },
  retired: {
    status: 409,
    code: 'stale-generation',
    title: 'The host was drained and is retired.',
    hint: 'Register again to bring it back.',
  },
  'unknown-model': {
    status: 404,
    code: 'unknown-model',
    title: 'No such model is published.',
    hint: 'See strata ls.',
  },
  'unknown-version': {
    status: 404,
    code: 'unknown-version',
    title: 'No published version of the model fits the reference.',
    hint: 'See strata show for its versions and aliases.',
  },
  'unknown-blob': {
    status: 404,
    code: 'unknown-blob',
    title: 'No published version has a file of this digest.',
    hint: 'See strata show for the digests of a model.',
  },
  'not-servable': {
    status: 403,
    code: 'not-servable',
    title: 'A file of the version has no clean verdict by the rules of today.',
    hint: 'See strata explain for its verdict.',
  },
};

export function refusalProblem(reason: Refusal): Problem {
  return REFUSALS[reason];
}

/** The host keeps its registration, and goes on as soon as its clock is right. */
export function skewProblem({ clocks }: ClockSkew): Problem {
  const { host, plane } = clocks;
  const seconds = Math.round(Math.abs(plane - host) / SECOND_MS).toLocaleString('en-US');
  return {
    status: 401,
    code: 'clock-skew',
    title: `The host’s clock is ${seconds} s ${host < plane ? 'behind' : 'ahead of'} the plane’s.`,
    hint: `The host says ${second(host)}, the plane ${second(plane)}. Set the host’s clock (timedatectl set-ntp true); its registration stands.`,
    clocks,
  };
}

/** Nobody can read it now; asking again costs nothing and tells how far it is. `seed` tells callers apart. */
export function restoringProblem({ readyAt, beginsAt, now }: Restoring, seed: string): Problem {
  const turn =
    beginsAt === undefined
      ? 'being restored:'
      : `its restore waits for its turn, since readers may begin only so many: it begins at about ${minute(beginsAt)},`;
  return {
    status: 409,
    code: 'archived',
    title: `The model is archived or packed, and ${turn} ready at about ${minute(readyAt)}.`,
    hint:
      beginsAt === undefined
        ? 'Ask again then; `strata restore` asks for a faster restore before one is under way.'
        : 'It keeps its place in line; ask again then. An operator begins it at once: strata restore MODEL.',
    retryAfterSeconds: askAgainSeconds(Math.max(0, readyAt - now) / SECOND_MS, seed),
    readyAt,
  };
}

const second = (at: EpochMs) => `${new Date(at).toISOString().slice(0, 19)}Z`;
const minute = (at: EpochMs) => `${new Date(at).toISOString().slice(0, 16)}Z`;

/** Nothing has begun and nothing waits in line. */
export function limitedProblem(
  { limit, usd, againAt, heldUpBy }: LimitedRestore,
  { restoreBudgetUsdPerDay, restoresPerHour }: RestoreLimits,
  now: EpochMs,
  seed: string,
): Problem {
  const budget = `${formatUsd(Usd.parse(restoreBudgetUsdPerDay))} a day`;
  const from = againAt === undefined ? '' : ` More begin from ${minute(againAt)} on.`;
  const why = {
    'budget-spent': `what readers may spend on restores (${budget}) is spent`,
    'rate-reached': `as many restores as readers may begin (${restoresPerHour} an hour) have begun`,
    'line-full': `${MOST_IN_LINE.toLocaleString('en-US')} wait for their turn already`,
    'line-too-long': `more wait for their turn already than may begin in a week (${budget}, ${restoresPerHour} an hour)`,
    'too-dear': `it alone costs more than readers may spend (${budget})`,
  }[limit];
  const raise = limit === 'line-full' ? '' : ` ${settingsText(limit, heldUpBy)}`;
  const seconds = againAt === undefined ? Infinity : (againAt - now) / SECOND_MS;
  return {
    status: 429,
    code: 'restores-limited',
    title: `The model is archived or packed, its restore costs ${formatUsd(usd)}, and ${why}.${from}`,
    hint: `${againAt === undefined ? 'An' : 'Ask again then; or an'} operator brings it back at once: strata restore MODEL.${raise}`,
    retryAfterSeconds: askAgainSeconds(seconds, seed),
  };
}

/** Of what keeps a turn away, which settings let it come. */
function settingsText(limit: LimitedRestore['limit'], heldUpBy: LimitedRestore['heldUpBy']): string {
  const setting = limit === 'rate-reached' ? 'restoresPerHour' : 'restoreBudgetUsdPerDay';
  const { settings, either } = heldUpBy ?? { settings: [setting], either: false };
  if (settings.length === 1) return `The setting ${settings[0]} raises the limit.`;
  return `The settings ${settings.join(either ? ' or ' : ' and ')} raise the limit${either ? ', each alone' : ', both together'}.`;
}

/** What outsiders learn of a thrown error: nothing about the inside. `seed` tells calls apart. */
export function problemOf(error: unknown, seed: string): Problem {
  if (error instanceof FleetError && error.code !== 'malformed-report') {
    return { ...UNAUTHENTICATED, title: 'The signature is not the host’s.', hint: 'Register the host again.' };
  }
  if (error instanceof FleetError || error instanceof ContractError) {
    return {
      status: 400,
      code: 'bad-request',
      title: 'The request is not what this route takes.',
      hint: 'Compare the agent’s version with the plane’s.',
    };
  }
  const retryable = error instanceof StrataError && error.retryable;
  return {
    status: retryable ? 503 : 500,
    code: 'internal',
    title: retryable ? 'The plane is busy.' : 'The plane failed.',
    hint: retryable ? 'Call again.' : 'See the log of the function host-api with the request id.',
    ...(retryable ? { retryAfterSeconds: askAgainSeconds(BUSY_SECONDS, seed) } : {}),
  };
}
