import { ReceiptCode } from '../events/command-receipt/v1.ts';
import { decideRetry } from '../lib/fleet/index.ts';
import type { OperationOutput } from '../lib/operations/index.ts';
import { printable } from '../lib/shared/printable.ts';

type Action = OperationOutput<'explain'>['actions'][number];

/** Why a host did not do what it was to do. */
export interface HostFailure {
  readonly why: string;
  /** What to do about it; absent where the plane's release knows a code that this one does not. */
  readonly hint?: string;
}

const NOT_MEASURED =
  'What the host measured is not what was asked for: `strata host report HOST` has it list what it holds.';
const NOT_ITS_OWN = 'The host did not know the command for one of its plane’s: see the log of its agent.';

/** What to do when a host answers with this code and has not done it; HOST and DIGEST stand for those of the command. */
const HINTS: Readonly<Record<ReceiptCode, string>> = {
  ok: NOT_MEASURED,
  'already-resident': NOT_MEASURED,
  'already-absent': NOT_MEASURED,
  superseded: 'Nothing is to be done: something newer stands in its place.',
  expired:
    '`strata hosts HOST` says whether it is heard, and how busy it is. Its clock may be wrong: `strata doctor --store DIR` there tells.',
  'stale-generation': NOT_ITS_OWN,
  'foreign-host': NOT_ITS_OWN,
  'bad-signature': NOT_ITS_OWN,
  malformed: NOT_ITS_OWN,
  'no-room':
    'End leases there, unpin what need not stay (`strata host unpin HOST DIGEST`), or give it more room (`strata host resize HOST BYTES`).',
  leased: 'A process on the host uses it. Send the command again once its leases have ended.',
  pinned: 'Unpin it first: `strata host unpin HOST DIGEST`.',
  'not-resident': 'The host holds no copy of it: ask for it there first.',
  'wrong-bytes': 'The origin’s bytes do not fit their digest: see `strata doctor`.',
  corrupt: 'The copy was removed and is fetched again. Where it happens again, look at the disk of the host.',
  'disk-error': 'See the log of its agent and the health of its disk: `strata doctor --store DIR` there.',
  'origin-absent': 'The origin was not there when the host read it: see `strata doctor`.',
  'origin-archived': 'The origin must be restored before a host can read it: `strata restore NAME@VERSION`.',
  'origin-unavailable': 'The host could not reach the origin: see the log of its agent.',
  denied: 'The origin is gone, or the host may not read it. If it stays so, check the role of hosts.',
  draining: 'The host is leaving service and takes no new models: use another.',
  cancelled: 'The host could not send its report: see the log of its agent, and have it try again.',
};

/** Where a command about the host as a whole has ended so. */
const HINTS_OF_HOSTS: Readonly<Record<string, string>> = {
  'resize no-room': 'Its volumes hold no more than that: give it less, or a larger volume.',
  'resize leased': 'End leases there, or unpin what need not stay (`strata host unpin HOST MODEL`), and send it again.',
  'drain leased':
    'It goes on draining: what is leased leaves as its leases end, and `strata hosts HOST` shows what is left.',
};

/** Why the host has not done it; `undefined` where it has or still may. */
export function hostFailureOf(action: Action): HostFailure | undefined {
  const { attempt = 1, digest = '', host, outcome, receipt, state, type } = action;
  if (host === undefined || outcome === undefined || state === 'done') return undefined;
  const why = `${state} (${outcome.code}): ${outcome.text}`;
  const code = ReceiptCode.safeParse(outcome.code).data;
  if (code === undefined) return { why };
  const hint = (HINTS_OF_HOSTS[`${type} ${code}`] ?? HINTS[code])
    .replaceAll('HOST', host.id)
    .replaceAll('DIGEST', digest);
  const wished = type === 'prefetch' && receipt?.origin !== 'local';
  const again = wished && decideRetry(code, attempt, outcome.at) !== undefined;
  return { why, hint: again ? `${hint} The plane tries again by itself.` : hint };
}

/** Of each kind of command, host and blob the last one. What failed before was done since, or failed again. */
export function lastOfEach(actions: readonly Action[]): readonly Action[] {
  const last = new Map<string, Action>();
  for (const action of actions) {
    const subject = `${action.type} ${action.host?.id} ${action.digest}`;
    if (action.decidedAt > (last.get(subject)?.decidedAt ?? Number.NEGATIVE_INFINITY)) last.set(subject, action);
  }
  return [...last.values()];
}

/** For people: those of them that failed. */
export function hostFailuresText(actions: readonly Action[]): string {
  return lastOfEach(actions)
    .map((action) => {
      const failure = hostFailureOf(action);
      if (failure === undefined) return '';
      const { digest, host, type } = action;
      const what = `${type}${digest === undefined ? '' : ` of ${digest.slice(0, 12)}`} on ${host?.id}`;
      return printable(`\n${what} ${failure.why}\n${failure.hint === undefined ? '' : `  ${failure.hint}\n`}`);
    })
    .join('');
}
