import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  OutboxRow,
  PolicyLookRow,
  type PolicyReach,
  type TierPolicyInForce,
  TierPolicyRow,
} from '../../../lib/catalog/index.ts';
import { acceptTierPolicy } from '../../../lib/operations/tierPolicy.ts';
import {
  compileRates,
  decideTier,
  DOLLARS,
  lifecyclePolicy,
  TIER_RULES,
  type TierFacts,
  type TierPolicy,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import type { Digest } from '../../../lib/shared/ids.ts';
import { TierPolicyName } from '../../../lib/shared/sweepMode.ts';
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import { explainBlob, LOOK_PARTS, lookIdOf, lookPartOf, packSettings } from '../../../lib/tiering/index.ts';
import { rowReader, violated } from '../invariants.ts';
import { countRead, type ReadFrom, readsWorse } from '../reads.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const RECENT_MS = 7 * DAY_MS;
/** Smaller ones are no cheaper in classes whose reads are charged. */
const LEAST_BYTES = 131_072;
/** A version that no release has. */
const OLDER = 'older';

type Look = NonNullable<TierPolicyInForce['change']>;

/**
 * Operators change the policy of storage classes while objects are in use, change their minds, accept what was refused, and deploy releases that
 * decide otherwise. Before the first policy, and of other code, nothing is in force. A policy comes into force when a whole sweep has found nothing in use that it would make dearer or slower to read, or when this very change was accepted;
 * no move is decided by a policy that is not in force.
 */
export function policyChanges(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, policies, scheduler } = stage;
  const life = scheduler.incarnation('policy changes');
  const rates = compileRates(shippedPriceBook());
  const [readAction, readBlob, readPolicy] = [rowReader(ActionRow), rowReader(BlobRow), rowReader(TierPolicyRow)];
  const [readLook, readMessage] = [rowReader(PolicyLookRow), rowReader(OutboxRow)];
  const { lifecycleDeletes, lifecycleRules } = stage.settings;
  const byName: Readonly<Record<TierPolicyName, TierPolicy>> = {
    rules: TIER_RULES,
    dollars: DOLLARS,
    lifecycle: lifecyclePolicy(lifecycleRules, lifecycleDeletes === 'on'),
  };
  /** What was in use and would suffer when a look began, with all that it would be decided on; and of that what still would at its end. */
  let begun = new Map<Digest, string>();
  /** What was there when a look began. */
  let there: readonly Blob[] = [];
  const overlooked = new Set<Digest>();
  /** What the parts have found that have ended since the look began. */
  const ended = new Map<number, PolicyReach>();
  let firstBlobAt = Number.POSITIVE_INFINITY;
  /** Since when nothing decides, as what is in force is of another version; what learned moves may lose is looked after all the same. */
  let undecidedSince: number | undefined;

  const blobs = (): readonly Blob[] =>
    [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map(readBlob);

  function policyRow(): TierPolicyInForce | undefined {
    for (const item of catalog.committedIn('TIERPOLICY')) if (item.key.sort === 'META') return readPolicy(item);
    return undefined;
  }

  /** What decides by a row; undefined: nothing. */
  const deciding = ({ inForce, version }: TierPolicyInForce) => (version === OLDER ? undefined : inForce);

  async function caught(
    present: TierPolicyName | undefined,
    look: Look,
    some: readonly Blob[],
  ): Promise<Map<Digest, string>> {
    const found = new Map<Digest, string>();
    const packs = packSettings(stage.settings);
    const explain = (digest: Digest, policy: TierPolicy) =>
      explainBlob({ ...stage.depsOf(life), catalog, rates }, digest, { policy, packs, at: look.sweptAt });
    for (const { digest } of some) {
      const before = present && byName[present];
      const explained = await explain(digest, byName[look.to]);
      const old = before === undefined ? explained : await explain(digest, before);
      if (old === undefined || explained === undefined) continue;
      const { lastAccessAt } = explained.facts;
      if (lastAccessAt === undefined || look.sweptAt - lastAccessAt >= RECENT_MS) continue;
      if (
        suffers({ facts: old.facts, policy: before }, { facts: explained.facts, policy: byName[look.to] }, look.sweptAt)
      ) {
        found.set(digest, JSON.stringify([explained.versionId, old.facts, explained.facts]));
      }
    }
    return found;
  }

  interface Judged {
    readonly facts: TierFacts;
    readonly policy: TierPolicy;
  }

  type Standing = Omit<Judged, 'policy'> & { readonly policy: TierPolicy | undefined };

  function suffers({ facts, policy }: Standing, next: Judged, at: EpochMs): boolean {
    if (policy === undefined) return readsWorse(whereItLies(facts), readFrom(next, at));
    const present = { facts, policy };
    if (deletes(present, at)) return false;
    return readsWorse(readFrom(present, at), readFrom(next, at));
  }

  const decide = ({ facts, policy }: Judged, at: EpochMs) =>
    decideTier({ ...facts, heldBy: undefined }, policy, rates, at);

  /** From a deletion every other place is a gain. */
  function deletes(judged: Judged, at: EpochMs): boolean {
    const { facts, policy } = judged;
    const allowed = policy.kind === 'lifecycle' && policy.expires && facts.expiry === 'expires';
    return allowed && decide(judged, at).reason === 'expires';
  }

  function whereItLies({ packing, storageClass }: TierFacts): ReadFrom {
    return { ...rates.of(storageClass), packed: packing?.packed === true };
  }

  function readFrom(judged: Judged, at: EpochMs): ReadFrom {
    const decision = decide(judged, at);
    const isPacked = judged.facts.packing?.packed === true;
    switch (decision.action) {
      case 'keep':
        return whereItLies(judged.facts);
      case 'transition':
        return { ...rates.of(decision.to), packed: isPacked };
      case 'pack':
        return { ...rates.of(decision.to), packed: true };
      case 'unpack':
        return { ...rates.of(decision.to), packed: false };
    }
  }

  async function onPolicy({ before, after }: RowChange): Promise<void> {
    if (after === undefined) violated('What policy is in force was forgotten.');
    const is = readPolicy(after);
    const was = before === undefined ? undefined : readPolicy(before);
    if (is.version !== OLDER || is.inForce === 'dollars') undecidedSince = undefined;
    else undecidedSince ??= scheduler.now;
    if (is.version === OLDER && was?.version !== OLDER) policies.end(scheduler.now);
    if (deciding(is) !== undefined && (was && deciding(was)) !== deciding(is)) cameIntoForce(was, is);
    const [last, look] = [was?.change, is.change];
    if (is.refused !== undefined && is.refused.at !== was?.refused?.at) counters.count('policy: refused');
    if (look === undefined) return;
    if (last?.sweptAt !== look.sweptAt || last.to !== look.to) {
      overlooked.clear();
      ended.clear();
      there = blobs();
      begun = await caught(deciding(is), look, there);
      counters.count(begun.size > 0 ? 'policy: would catch what is in use' : 'policy: catches nothing');
    }
  }

  async function onLook({ before, after }: RowChange): Promise<void> {
    if (after === undefined) return;
    const { endedAt, lookId, part, reach } = readLook(after);
    if (endedAt === undefined || (before !== undefined && readLook(before).endedAt !== undefined)) return;
    counters.count('policy: a part was looked at');
    const policy = policyRow();
    if (policy?.change === undefined || lookIdOf(policy) !== lookId) return;
    ended.set(part, reach);
    checkWhole(part, reach);
    if (reach.caught === 0) await lookedAt(deciding(policy), policy.change, part);
  }

  /** A part has looked at all that was there when its look began, and still is. */
  function checkWhole(part: number, { objects, unknown = 0 }: PolicyReach): void {
    const own = there.filter(({ digest }) => lookPartOf(digest) === part);
    if (own.length === 0) return;
    const present = new Map(blobs().map(({ digest, createdAt }) => [digest, createdAt]));
    const stayed = own.filter(({ digest, createdAt }) => present.get(digest) === createdAt);
    if (objects + unknown < stayed.length)
      violated(`Part ${part} of a look has seen ${objects} objects, of ${stayed.length} that are there.`);
  }

  /** What was caught before and after the look, by the same facts, was caught during it. */
  async function lookedAt(present: TierPolicyName | undefined, look: Look, part: number): Promise<void> {
    const suspects = blobs().filter(({ digest }) => begun.has(digest) && lookPartOf(digest) === part);
    for (const [digest, facts] of await caught(present, look, suspects)) {
      if (begun.get(digest) === facts) overlooked.add(digest);
    }
  }

  function cameIntoForce(was: TierPolicyInForce | undefined, is: TierPolicyInForce): void {
    if (is.inForce === undefined) return;
    policies.begin(is.inForce, scheduler.now);
    const before =
      was === undefined ? 'nothing' : was.version === OLDER ? 'another version' : (was.inForce ?? 'nothing');
    counters.count(`policy: ${before}→${is.inForce}`);
    if (was === undefined) {
      if (firstBlobAt < is.since) violated(`${is.inForce} came into force unseen, and there are objects.`);
      return;
    }
    if (was.accepted?.policy === is.inForce) return counters.count('policy: accepted');
    // Of what the first look was for nothing is left.
    if (was.inForce === undefined && blobs().every(({ createdAt }) => createdAt >= is.since)) return;
    const parts = was.change?.to === is.inForce ? [...ended.values()] : [];
    if (parts.length < LOOK_PARTS) violated(`${is.inForce} came into force before every object was looked at.`);
    if (parts.some((reach) => reach.caught > 0))
      violated(`${is.inForce} came into force, which catches what is in use.`);
    const [digest] = overlooked;
    if (digest !== undefined) violated(`${is.inForce} came into force although it catches ${digest}, which is in use.`);
  }

  function onMessage({ after, before }: RowChange): void {
    if (undecidedSince === undefined || before !== undefined || after === undefined) return;
    const { id, queue } = readMessage(after);
    const runId = /^sweep-(\d+)-\d+$/.exec(id)?.[1];
    if (queue === 'sweep' && runId !== undefined && undecidedSince < Number(runId))
      violated(`Sweep ${runId} has begun by code that nobody has looked at.`);
  }

  function onMove({ actionId, policy, reason }: Action): void {
    const [, sweep] = /^transition-(\d+)-/.exec(actionId) ?? [];
    const version = policy.split(' ')[0];
    const restored = reason === 'restored' && version !== 'restore-1';
    // A clock may be wrong by some minutes.
    const since = restored ? scheduler.now - HOUR_MS : Number(sweep);
    if (sweep === undefined && !restored) return;
    const name = TierPolicyName.options.find((one) => byName[one].version === version);
    if (name === undefined) violated(`${actionId} was decided by ${version}, which nobody has configured.`);
    if (!policies.inForceSince(name, since)) violated(`${actionId} was decided by ${name}, which is not in force.`);
  }

  /** Also what somebody else wants, or wanted before. */
  async function accept(): Promise<void> {
    const wanted = policyRow()?.change?.to;
    if (wanted === undefined) return;
    const policy = rng.chance(0.8) ? wanted : rng.pick(TierPolicyName.options);
    await acceptTierPolicy(stage.depsOf(life), { policy, by: 'operator', dryRun: false });
    counters.count('policy: operator accepts');
    // Often the next thing that he wants.
    if (rng.chance(0.4)) stage.configure(rng.pick(TierPolicyName.options));
  }

  /** From now on the row is of another version than what decides. */
  async function deploy(): Promise<void> {
    const row = await TierPolicyRow.get(catalog);
    if (row?.value.inForce === undefined || row.value.version === OLDER) return;
    const { change } = row.value;
    const old = { ...row.value, version: OLDER, ...(change && { change: { ...change, version: OLDER } }) };
    await catalog.transact([TierPolicyRow.put(old, { version: row.version })]);
    counters.count('policy: another version is deployed');
  }

  async function tried(what: () => Promise<void>): Promise<void> {
    await what().catch((error: unknown) => {
      if (!(error instanceof StrataError)) throw error;
      counters.count('policy: no answer');
    });
  }

  /** Again and again until `end`, never behind it. */
  async function work(end: number, everyMs: number, what: () => Promise<void>): Promise<void> {
    for (;;) {
      await scheduler.sleep(life, rng.below(everyMs));
      if (scheduler.now >= end) return;
      await tried(what);
    }
  }

  async function once(durationMs: number, what: () => Promise<void>): Promise<void> {
    await scheduler.sleep(life, rng.below(durationMs));
    await tried(what);
  }

  async function read(): Promise<void> {
    const large = blobs().filter(({ size }) => size >= LEAST_BYTES);
    if (large.length > 0) await countRead(stage, rng.pick(large).digest);
  }

  return {
    act(durationMs) {
      if (!stage.changesPolicy) return;
      const end = scheduler.now + durationMs;
      const others = () => TierPolicyName.options.filter((one) => one !== stage.settings.tierPolicy);
      const configure = async () => stage.configure(rng.pick(others()));
      scheduler.spawn(life, () => work(end, 3 * MINUTE_MS, configure));
      scheduler.spawn(life, () => work(end, 1.5 * MINUTE_MS, accept));
      if (rng.chance(0.25)) scheduler.spawn(life, () => once(durationMs, deploy));
      scheduler.spawn(life, () => work(end, MINUTE_MS / 2, read));
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('BLOB#') && sort === 'META') firstBlobAt = Math.min(firstBlobAt, scheduler.now);
      if (partition === 'TIERPOLICY' && sort === 'META') return onPolicy(change);
      if (partition.startsWith('POLICYLOOK#')) return onLook(change);
      if (partition.startsWith('OUTBOX#')) return onMessage(change);
      if (!partition.startsWith('ACTION#transition-') || change.before !== undefined) return undefined;
      return change.after === undefined ? undefined : onMove(readAction(change.after));
    },
  };
}
