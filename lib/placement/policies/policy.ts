import { StorageClass } from '../../shared/ids.ts';
import type { Allowance } from '../allowance.ts';
import type { DemandForecast } from '../demand.ts';
import type { Mechanics } from '../objectCosts.ts';
import type { PackingFacts } from '../packing.ts';
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
  /** How the object packs, and the classes that may hold it packed; policies choose them by the indexes after those of `classes`. */
  readonly packing?: { readonly facts: PackingFacts; readonly classes: readonly ClassRates[] } | undefined;
  /** Shared by all objects of one run. */
  readonly allowance: Allowance;
  /** What is known from outside, such as that a version is retired, in the order of `fromStep`: the latest counts. */
  readonly knowledge?: readonly Knowledge[] | undefined;
}

export interface Knowledge {
  /** From then on it counts. */
  readonly fromStep: number;
  readonly fact: KnownFact;
}

/** How often it is read from then on; that it is read on one step, and not before; that it is deleted on one. */
export type KnownFact =
  | { readonly kind: 'rate'; readonly forecast: DemandForecast }
  | { readonly kind: 'next-read'; readonly step: number }
  | { readonly kind: 'end'; readonly step: number };

/** A policy as replay runs it: one instance for each object. */
export interface ReplayPolicy {
  readonly mechanics: Mechanics;
  /** The class that it is about; the others use what is next to those that they want. */
  readonly needs?: StorageClass;
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

export function hasClass({ classes }: PolicyContext, name: StorageClass): boolean {
  return classes.some((one) => one.storageClass === name);
}

/** The class itself; where it is not among them, the next one in S3's order that is cheaper to read, STANDARD at last. */
export function nearestClass(context: PolicyContext, wanted: StorageClass): number {
  const cheaperToRead = StorageClass.options.slice(0, StorageClass.options.indexOf(wanted) + 1);
  return classIndex(context, ...cheaperToRead.toReversed());
}

/** Where nobody knows anything of an object: Intelligent-Tiering, else STANDARD. */
export function homeIndex(context: PolicyContext): number {
  return classIndex(context, 'INTELLIGENT_TIERING', 'STANDARD');
}

export function isPacked({ classes }: PolicyContext, index: number): boolean {
  return index >= classes.length;
}

/** Packed in this class, where that is allowed. */
export function packedIndex({ classes, packing }: PolicyContext, name: string): number | undefined {
  const index = packing?.classes.findIndex((one) => one.storageClass === name) ?? -1;
  return index < 0 ? undefined : classes.length + index;
}

export function classAt(context: PolicyContext, index: number): ClassRates {
  const { classes, packing } = context;
  const one = classes[index] ?? packing?.classes[index - classes.length];
  if (one === undefined) throw new RangeError(`there is no class ${index}`);
  return one;
}
