import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { ACTIVE, ALWAYS, CAPABILITIES, ONLY_THERE } from './capabilities/index.ts';
import { createStage } from './createStage.ts';
import type { Focus } from './focus.ts';
import type { Capability } from './stage.ts';
import { type Counters, InvariantViolation, violated } from './invariants.ts';

/** One of them, or two, in most runs with days between; the second is shorter where much has happened, and longer where little has. */
const FIRST_PHASE_MS = 1.5 * MINUTE_MS;
const SHORTEST_PHASE_MS = 0.75 * MINUTE_MS;
/** Both are so much longer where operators change the policy: only several sweeps bring a change into force. */
const POLICY_CHANGE_MS = 1.5 * MINUTE_MS;
/** And where a run concentrates on one thing: little else happens then. */
const FOCUS_MS = 1.25 * MINUTE_MS;
const LONGEST_PHASE_MS = 5 * MINUTE_MS;
/** So many deliveries with faults are enough: what they leave to be repaired mostly brings as many as a run still needs. */
const ENOUGH_DELIVERIES = 110;
/** Where no days pass and nobody changes the policy, a first phase that brought so many has no second one. */
const ENOUGH_WITHOUT_DAYS = 60;
/** A minute of the second phase brings so many times the deliveries of one of the first, since there is more to sweep, move and delete. */
const BUSIER = 1.7;
/** A quieter run goes on with faults for as long as it needs by its own pace, and at least so long. */
const LEAST_MORE_MS = 0.75 * MINUTE_MS;
const MOST_MORE_MS = 3 * MINUTE_MS;
/** What it leaves to be repaired brings as many again. */
const MORE_WITH_CALM = 2;
/** Actions begin so long before a phase ends. */
const LAST_ACTIONS_MS = 0.4 * MINUTE_MS;
/** Longer than every retry, lease, expiry and reconciliation interval of the system. */
const CALM_PHASE_MS = 5 * HOUR_MS;
/** Every run has so many at least, and of them so many messages of queues. */
const LEAST_DELIVERIES = 300;
const LEAST_MESSAGES = 150;
/** What is missing then, schedules bring at rest, where nothing that they do may break a promise. */
const ALMOST_ENOUGH = 260;
/** The longest interval at which something of the system looks for what was lost. */
const RECONCILIATION_MS = 10 * MINUTE_MS;
const MOST_STEPS = 400_000;
/** Where reads are refused for days, so many hours pass at a time, and what was refused is tried again after them: without faults that is sure. */
const HOURS = [
  { hours: 13, faulty: true },
  { hours: 14, faulty: true },
  { hours: 26, faulty: false },
  { hours: 26, faulty: false },
  { hours: 26, faulty: false },
];
const AFTER_HOURS_MS = 15 * SECOND_MS;
/** What only days make old. */
const NEEDS_DAYS: ReadonlySet<Focus | undefined> = new Set(['restores', 'expiry', 'purges', 'regrets']);

export interface RunResult {
  readonly seed: number;
  /** Events that functions were invoked with, and how many of them were messages of queues. */
  readonly deliveries: number;
  readonly messages: number;
  readonly steps: number;
  readonly traceHash: number;
  readonly counters: Counters;
}

/** Runs one seed to its end. Throws what went wrong: a broken invariant, an escaped await, an error of the handlers' host. */
export async function runSeed(seed: number, trace?: (line: string) => void): Promise<RunResult> {
  const capabilities: Capability[] = [];
  const world = await createStage(seed, trace, capabilities);
  const { stage, plane, rng } = world;
  const acting: Capability[] = [];
  for (const create of CAPABILITIES) {
    const capability = create(stage, rng.fork());
    capabilities.push(capability);
    if (stage.focus === undefined || ALWAYS.has(create) || ACTIVE[stage.focus].has(create)) acting.push(capability);
  }
  const own = stage.focus && ONLY_THERE[stage.focus]?.(stage, rng.fork());
  if (own !== undefined) {
    capabilities.push(own);
    acting.push(own);
  }
  const { scheduler, counters, faults } = stage;

  // The later ones tell at once what must still wait; the first ones look at all bytes before.
  const lastFirst = capabilities.toReversed();
  const inHurry = rng.chance(0.8);

  function drive(until: number): Promise<void> {
    return scheduler.run((ran) => {
      if (!ran && scheduler.now >= until) return undefined;
      plane.dispatch();
      if (counters.violation !== undefined) throw counters.violation;
      if (scheduler.steps > MOST_STEPS) violated(`No end after ${MOST_STEPS} steps: a loop without a bound.`);
      if (scheduler.now >= until && scheduler.idle()) return undefined;
      return Math.min(until, plane.wakeAt());
    });
  }

  async function act(durationMs: number): Promise<void> {
    for (const { act } of acting) act?.(durationMs - LAST_ACTIONS_MS);
    await drive(scheduler.now + durationMs);
  }

  /** Answers how many deliveries a millisecond of it brings. */
  async function faulty(): Promise<number> {
    for (const { begin } of capabilities) begin?.();
    const longerMs = stage.changesPolicy ? POLICY_CHANGE_MS : stage.focus === undefined ? 0 : FOCUS_MS;
    const firstMs = FIRST_PHASE_MS + longerMs;
    await act(firstMs);
    const perMs = plane.deliveries / firstMs;
    if (stage.focus === 'refusals') {
      await passHours();
    } else if (passesDays()) {
      // Days pass, fewer than queues keep messages: the next sweep finds models that nobody reads.
      const later = scheduler.now + (8 + rng.below(4)) * DAY_MS;
      if (rng.chance(0.2)) await retireOne(later);
      scheduler.advanceTo(later);
      counters.count('days passed');
    } else if (stage.focus === 'generations') {
      // Who replaces a machine must wait until it is silent; what was sent to that is still valid then.
      scheduler.advanceTo(scheduler.now + 10.5 * MINUTE_MS);
    } else if (!stage.changesPolicy && stage.focus === undefined && plane.deliveries > ENOUGH_WITHOUT_DAYS)
      return perMs;
    const enoughMs = (ENOUGH_DELIVERIES - plane.deliveries) / (perMs * BUSIER);
    await act(Math.floor(Math.min(LONGEST_PHASE_MS, Math.max(SHORTEST_PHASE_MS + longerMs, enoughMs))));
    return perMs * BUSIER;
  }

  function passesDays(): boolean {
    const passes = rng.chance(0.6);
    return stage.focus === undefined
      ? passes
      : NEEDS_DAYS.has(stage.focus) || (passes && stage.focus !== 'generations');
  }

  async function passHours(): Promise<void> {
    for (const { hours, faulty: isFaulty } of HOURS) {
      if (!isFaulty) faults.end(scheduler.now);
      plane.endCalls();
      scheduler.advanceTo(scheduler.now + hours * HOUR_MS);
      await drive(scheduler.now + AFTER_HOURS_MS);
    }
    plane.stirUp();
    faults.begin();
  }

  /** A host stays away until a moment days later: it is silent, and a day after that retired. */
  async function retireOne(until: number): Promise<void> {
    rng.pick(stage.hosts).reboot(until + rng.below(4 * MINUTE_MS) - scheduler.now);
    for (const ms of [HOUR_MS, DAY_MS + HOUR_MS]) {
      scheduler.advanceTo(scheduler.now + ms);
      await drive(scheduler.now + 2 * MINUTE_MS);
    }
    counters.count('a host away for days');
  }

  async function atRest(): Promise<boolean> {
    for (const { atRest } of capabilities) if (atRest !== undefined && !(await atRest())) return false;
    return true;
  }

  /** What a lost message left wrong is repaired by a later heartbeat or reconciliation: within a bound, not at once. */
  async function calm(): Promise<void> {
    faults.end(scheduler.now);
    plane.calmDown(inHurry);
    const end = scheduler.now + CALM_PHASE_MS;
    // Past one round of every reconciliation, then until nothing waits for anything.
    await drive(Math.ceil(scheduler.now / RECONCILIATION_MS) * RECONCILIATION_MS + 2 * MINUTE_MS);
    while (scheduler.now < end && !(await atRest())) await drive(scheduler.now + 2 * MINUTE_MS);
    for (;;) {
      try {
        for (const { check } of lastFirst) await check?.();
        return;
      } catch (error) {
        if (!(error instanceof InvariantViolation) || scheduler.now >= end) throw error;
        await drive(Math.min(end, scheduler.now + 2 * MINUTE_MS));
      }
    }
  }

  try {
    const perMs = await faulty();
    await calm();
    while (plane.deliveries < LEAST_DELIVERIES || plane.messages < LEAST_MESSAGES) {
      plane.stirUp();
      if (plane.deliveries >= ALMOST_ENOUGH && plane.messages >= LEAST_MESSAGES) {
        await drive(scheduler.now + RECONCILIATION_MS);
      } else {
        faults.begin();
        const missingMs = (LEAST_DELIVERIES - plane.deliveries) / (perMs * MORE_WITH_CALM);
        await act(Math.floor(Math.min(MOST_MORE_MS, Math.max(LEAST_MORE_MS, missingMs))));
      }
      await calm();
    }
  } finally {
    world.close();
  }
  for (const [kind, count] of faults.counts) counters.counts.set(`fault ${kind}`, count);
  const { deliveries, messages } = plane;
  return { seed, deliveries, messages, steps: scheduler.steps, traceHash: scheduler.traceHash, counters };
}
