import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';
import type { Faults } from './faults.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';

/** After so many deliveries that were cut off the product may blame the file: from then on nothing is held up. */
const MOST_CUT_OFF = 2;
/** In a slow one a call is answered so long before the time of its invocation is over. */
const LAST_MS = 5 * SECOND_MS;

/** What judges is slow most often: it must not blame the file for it. */
const JUDGES: ReadonlySet<string> = new Set(['ingest', 'scan', 'rescan']);

interface Stalling {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
}

/**
 * Has an invocation stop somewhere in its work for longer than its messages stay invisible, or some call or its reads of objects
 * take until its time is nearly over.
 */
export function stall(
  { scheduler, faults, rng }: Stalling,
  incarnation: Incarnation,
  { name, timeoutSeconds }: FunctionDeclaration,
  delivery: number,
): void {
  if (delivery > MOST_CUT_OFF) return;
  const nearEndMs = timeoutSeconds * SECOND_MS - LAST_MS;
  const stop = (steps: number, ms: number) =>
    scheduler.spawn(incarnation, async () => {
      for (let step = steps; step > 0; step -= 1) await scheduler.park(incarnation, `${name} is slow`);
      incarnation.pausedUntil = scheduler.now + ms;
    });
  if (faults.happens('visibility-expired')) stop(rng.below(12), timeoutSeconds * 7 * SECOND_MS);
  else if (!(JUDGES.has(name) || rng.chance(0.2)) || !faults.happens('slow-call')) return;
  else if (rng.chance(0.5)) stop(rng.below(6), nearEndMs);
  else incarnation.readsAnsweredAt = scheduler.now + nearEndMs;
}

/** While there are faults some begin late, by as many steps as others need for their whole work: what begins at one moment meets in every order. */
export async function lateStart(
  { scheduler, faults, rng }: Stalling,
  incarnation: Incarnation,
  chance: number,
): Promise<void> {
  if (!faults.enabled) return;
  const steps = rng.chance(chance) ? rng.below(LATE_STEPS) : 0;
  for (let step = 0; step < steps; step += 1) await scheduler.park(incarnation, `${incarnation.name} starts late`);
}

const LATE_STEPS = 160;
