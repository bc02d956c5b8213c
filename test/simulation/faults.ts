import { PortError } from '../../lib/shared/errors.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';

/** Every kind of fault that a run can meet; numbers are those of the list of faults in docs/simulation.md. */
export const FAULT_KINDS = [
  'duplicate-delivery',
  'reordered-delivery',
  'overwrite-during-check',
  'delete-before-put',
  'crash-invocation',
  'crash-relay',
  'visibility-expired',
  'slow-call',
  'late-answer',
  'poison-message',
  'throttled',
  'refused-call',
  'ambiguous-answer',
  'self-triggering-upload',
  'paused-agent',
  'agent-reboot',
  'power-cut',
  'machine-replaced',
  'evict-fill-race',
  'disk-full',
  'disk-io-error',
  'quota-shrinks',
  'bit-flip',
  'wrong-bytes',
  'clock-jump',
  'scanner-crash',
  'lost-notification',
  'slow-copy',
  'impostor',
  'wrong-part',
  'verdict-refused',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How likely each kind is in this run, per opportunity. A seed turns on a subset, so that kinds do not hide each other. */
export type FaultRates = ReadonlyMap<FaultKind, number>;

const BASE_RATES: Readonly<Record<FaultKind, number>> = {
  'duplicate-delivery': 0.08,
  'reordered-delivery': 0.3,
  'overwrite-during-check': 0.5,
  'delete-before-put': 0.6,
  'crash-invocation': 0.004,
  'crash-relay': 0.01,
  'visibility-expired': 0.01,
  'slow-call': 0.2,
  'late-answer': 0.4,
  'poison-message': 0.03,
  throttled: 0.0002,
  'refused-call': 0.006,
  'ambiguous-answer': 0.006,
  'self-triggering-upload': 0.1,
  'paused-agent': 0.05,
  'agent-reboot': 0.06,
  'power-cut': 0.0005,
  'machine-replaced': 0.02,
  'evict-fill-race': 0.3,
  'disk-full': 0.01,
  'disk-io-error': 0.01,
  'quota-shrinks': 0.05,
  'bit-flip': 0.1,
  'wrong-bytes': 0.02,
  'clock-jump': 0.05,
  'scanner-crash': 0.3,
  'lost-notification': 0.05,
  'slow-copy': 0.3,
  impostor: 0.2,
  'wrong-part': 0.02,
  'verdict-refused': 0.3,
};

export function chooseFaultRates(rng: Rng): FaultRates {
  const rates = new Map<FaultKind, number>();
  for (const kind of FAULT_KINDS) if (rng.chance(0.6)) rates.set(kind, BASE_RATES[kind] * (0.25 + 1.5 * rng.number()));
  return rates;
}

/** Decides each fault by the seed and counts those that happened. */
export class Faults {
  readonly counts = new Map<FaultKind, number>();
  enabled = true;
  /** When they last ended; what is made to come less often then goes by it. */
  endedAt = 0;
  /** Until this moment every call of a shared service is refused. */
  throttledUntil = 0;
  private readonly rates: FaultRates;
  private readonly rng: Rng;

  constructor(rates: FaultRates, rng: Rng) {
    this.rates = rates;
    this.rng = rng;
  }

  /** Decides and counts. */
  happens(kind: FaultKind): boolean {
    const happens = this.rolls(kind);
    if (happens) this.count(kind);
    return happens;
  }

  /** Decides only: for a fault that may find nothing to strike. */
  rolls(kind: FaultKind): boolean {
    const rate = this.enabled ? this.rates.get(kind) : undefined;
    return rate !== undefined && this.rng.chance(rate);
  }

  begin(): void {
    this.enabled = true;
  }

  /** From `now` on nothing fails any more. */
  end(now: number): void {
    this.enabled = false;
    this.endedAt = now;
    this.throttledUntil = 0;
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}

export interface SimulatedOptions {
  readonly faulty: boolean;
  /** Waits where an answer comes late. */
  readonly answered?: () => Promise<void> | undefined;
}

export interface LateAnswers {
  /** The incarnations one of whose answers may come late. */
  readonly of: RegExp;
  /** Of all others, so many may have one. */
  readonly others?: number;
  /** It is one of the first so many. */
  readonly calls: number;
}

/** What looks before it deletes or publishes: much may happen between the two. */
const LOOKS_FIRST: LateAnswers = { of: /^(purge|sweep-orphans|digest|ingest|rescan)#/, others: 0.1, calls: 40 };
const LATEST_MS = 25_000;

/** Has one answer of some incarnations come late: what they have seen may be old when they act on it. */
export function lateAnswer(
  scheduler: Scheduler,
  faults: Faults,
  incarnation: Incarnation,
  rng: Rng,
  { of, others = 0, calls }: LateAnswers = LOOKS_FIRST,
): () => Promise<void> | undefined {
  const may = of.test(incarnation.name) || rng.chance(others);
  let left = may && faults.rolls('late-answer') ? 1 + rng.below(calls) : 0;
  return () => {
    left -= 1;
    if (left !== 0) return undefined;
    faults.count('late-answer');
    return scheduler.sleep(incarnation, 1 + rng.below(LATEST_MS));
  };
}

/**
 * A port whose every asynchronous call parks before and after its effect, and may be refused before it (one call, or every one
 * for a while) or answered by an error after it (the effect happened, the caller cannot know).
 */
export function simulated<Port extends object>(
  scheduler: Scheduler,
  faults: Faults,
  incarnation: Incarnation,
  name: string,
  port: Port,
  { faulty, answered }: SimulatedOptions = { faulty: true },
): Port {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, property) {
      const known = methods.get(property);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const label = `${name}.${String(property)}`;
      const answerLabel = `${label} ✓`;
      const call = async (...args: readonly unknown[]): Promise<unknown> => {
        await scheduler.park(incarnation, label);
        if (faulty) refuse(scheduler, faults, label);
        const result: unknown = await Reflect.apply(member, target, args);
        await scheduler.park(incarnation, answerLabel);
        await answered?.();
        if (faulty && faults.happens('ambiguous-answer')) {
          throw new PortError({
            code: 'unavailable',
            message: `${label}: the answer was lost. Try again.`,
            retryable: true,
          });
        }
        return result;
      };
      methods.set(property, call);
      return call;
    },
  });
}

function refuse(scheduler: Scheduler, faults: Faults, label: string): void {
  if (faults.happens('refused-call')) {
    throw new PortError({ code: 'unavailable', message: `${label}: not reached. Try again.`, retryable: true });
  }
  if (scheduler.now < faults.throttledUntil && faults.enabled) {
    throw new PortError({ code: 'throttled', message: `${label}: slow down. Try again.`, retryable: true });
  }
  if (faults.happens('throttled')) {
    faults.throttledUntil = scheduler.now + 5 * 60_000;
    throw new PortError({ code: 'throttled', message: `${label}: slow down. Try again.`, retryable: true });
  }
}
