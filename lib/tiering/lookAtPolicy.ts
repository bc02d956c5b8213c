import type { LookAtPolicy } from '../../events/look-at-policy/v1.ts';
import {
  BlobRow,
  expectationOf,
  outboxPut,
  PolicyLookRow,
  type PolicyReach,
  settle,
  TierPolicyRow,
} from '../catalog/index.ts';
import { errorText, StrataError } from '../shared/errors.ts';
import type { Digest } from '../shared/ids.ts';
import { isPresentVersion } from '../placement/index.ts';
import { EpochMs } from '../shared/units.ts';
import { addReach, NO_REACH } from './decidePolicyChange.ts';
import { TieringError } from './errors.ts';
import { LOOK_REMEMBERED_MS, lookIdOf, placeInPart, rowsOfPart } from './lookParts.ts';
import { inForce, reachOf } from './policyInForce.ts';
import { type SweepDeps, tierSettings } from './sweepSettings.ts';

/*
 * The look at a change of the policy of storage classes. It begins with the sweep that first sees the change, in the write that notes it: a chain
 * of messages over each of 64 parts of all blobs, beside the sweep and whichever way that goes. A page is looked at under both policies; what
 * was found is added to the part's row, with the place where the next page begins, in the write that sends the next message. So a page
 * that comes again is passed over, and nothing but its own part's row is written by any chain.
 */

const BLOBS_PER_MESSAGE = 500;

/**
 * Looks at one page of one part, once however often it is delivered. A blob that cannot be decided about (an unreadable row) leaves the others:
 * the look goes on behind its page, counts it as unknown, by which the change is refused, and the page fails at the end with `blobs-failed`.
 */
export async function lookAtPolicy(deps: SweepDeps, message: LookAtPolicy): Promise<void> {
  const { catalog, clock, settings: configured } = deps;
  const { cursor, lookId, part } = message;
  if (configured.tierSweep !== 'on') return;
  const policy = (await TierPolicyRow.get(catalog))?.value;
  const before = await PolicyLookRow.get(catalog, lookId, part);
  if (policy?.change === undefined || lookIdOf(policy) !== lookId || !isNext(before?.value, cursor)) return;
  const { sweptAt, to, settings, version } = policy.change;
  // Another release has begun it: what this one would find says nothing about that one. Its chain ends here; a sweep of that one begins it anew.
  if (!isPresentVersion(to, version)) return;
  const page = await catalog.queryIndex('listing', {
    ...rowsOfPart(part),
    limit: BLOBS_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const present = await inForce(catalog, configured);
  const sides = {
    present: present && { policy: present.tierPolicy, settings: tierSettings(present) },
    next: { policy: to, settings: settings ?? tierSettings(configured) },
  };
  const digests: Digest[] = [];
  const failures = new Map<string, string>();
  const failed = (row: string, error: unknown): void => {
    if (error instanceof StrataError && error.retryable) throw error;
    deps.telemetry.error('blob not looked at', error, { row });
    failures.set(row, errorText(error));
  };
  for (const item of page.items) {
    try {
      digests.push(BlobRow.parse(item).value.digest);
    } catch (error) {
      failed(`${item.key.partition} ${item.key.sort}`, error);
    }
  }
  const seen = await reachOf(deps, sides, digests, sweptAt, failed);
  const blind = { ...NO_REACH, unknown: failures.size, unreadable: [...failures.keys()] };
  await note(deps, message, addReach(seen, blind), { cursor: page.cursor, last: digests.at(-1) }, clock.now());
  if (failures.size > 0) {
    const [first] = [...failures].map((one) => one.join(': '));
    const text = `${failures.size} blobs could not be looked at, the first was ${first}`;
    throw new TieringError({ code: 'blobs-failed', message: text, retryable: true });
  }
}

/** Whether a message is for the page that its part has come to. */
function isNext(row: { readonly cursor?: string; readonly endedAt?: EpochMs } | undefined, cursor?: string): boolean {
  return row?.endedAt === undefined && row?.cursor === cursor;
}

/** Adds a page to its part, and sends for the next one. */
async function note(
  { catalog }: Pick<SweepDeps, 'catalog'>,
  message: LookAtPolicy,
  found: PolicyReach,
  page: { readonly cursor: string | undefined; readonly last: Digest | undefined },
  now: EpochMs,
): Promise<void> {
  const { lookId, part } = message;
  await settle(catalog, `Looking at part ${part} of ${lookId}`, async () => {
    const row = await PolicyLookRow.get(catalog, lookId, part);
    if (!isNext(row?.value, message.cursor)) return { changes: [], answer: undefined };
    const looked = {
      lookId,
      part,
      pages: (row?.value.pages ?? 0) + 1,
      reach: addReach(row?.value.reach ?? NO_REACH, found),
      expiresAt: EpochMs.parse(now + LOOK_REMEMBERED_MS),
    };
    const expect = expectationOf(row);
    if (page.cursor === undefined) {
      return { changes: [PolicyLookRow.put({ ...looked, place: 1, endedAt: now }, expect)], answer: undefined };
    }
    const place = page.last === undefined ? (row?.value.place ?? 0) : placeInPart(page.last);
    const body = { ...message, cursor: page.cursor };
    const id = `look-${lookId}-${part}-${looked.pages}`;
    return {
      changes: [
        PolicyLookRow.put({ ...looked, place, cursor: page.cursor }, expect),
        outboxPut({ id, queue: 'sweep', body }, now),
      ],
      answer: undefined,
    };
  });
}
