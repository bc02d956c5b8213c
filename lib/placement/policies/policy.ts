import type { Allowance } from '../allowance.ts';
import type { DemandForecast } from '../demand.ts';
import type { Mechanics } from '../objectCosts.ts';
import type { ClassRates, Rates } from '../rates.ts';
import type { Waiting } from '../restore.ts';
import type { StepPolicy } from '../simulate.ts';

/** What a policy is given for one object. */
export interface PolicyContext {
  readonly rates: Rates;
  /** The classes that keep the promise for this object; a policy chooses among them by index. */
  readonly classes: readonly ClassRates[];
  readonly stepMs: number;
  readonly waiting: Waiting;
  /** Shared by all objects of one run. */
  readonly allowance: Allowance;
  /** What is known from outside, such as that a version is retired, in the order of `fromStep`: the latest counts. */
  readonly knowledge?: readonly Knowledge[] | undefined;
}

export interface Knowledge {
  readonly fromStep: number;
  readonly forecast: DemandForecast;
}

/** A policy as replay runs it: one instance for each object. */
export interface ReplayPolicy {
  readonly mechanics: Mechanics;
  readonly create: (context: PolicyContext) => StepPolicy;
}

/** The first of `preferred` that is allowed. Throws `RangeError` where none is. */
export function classIndex(context: PolicyContext, ...preferred: readonly string[]): number {
  for (const name of preferred) {
    const index = context.classes.findIndex((one) => one.storageClass === name);
    if (index >= 0) return index;
  }
  throw new RangeError(`none of ${preferred.join(', ')} is allowed for this object`);
}

export function classAt(context: PolicyContext, index: number): ClassRates {
  const one = context.classes[index];
  if (one === undefined) throw new RangeError(`there is no class ${index}`);
  return one;
}
