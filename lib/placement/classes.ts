import * as z from 'zod/mini';
import { StorageClass } from '../shared/ids.ts';
import type { Rates } from './rates.ts';

type Choosing = Pick<Rates, 'classes'>;

/**
 * Where an object lies that nobody knows anything of: Intelligent-Tiering, whose way down and up costs nothing; STANDARD where that is not
 * to be had.
 */
export function homeClass({ classes }: Choosing): StorageClass {
  return classes.includes('INTELLIGENT_TIERING') ? 'INTELLIGENT_TIERING' : 'STANDARD';
}

/** The class itself; where it is not to be had, the next one in S3's order that is cheaper to read, STANDARD at last. */
export function classInstead(wanted: StorageClass, { classes }: Choosing): StorageClass {
  const cheaperToRead = StorageClass.options.slice(0, StorageClass.options.indexOf(wanted) + 1);
  return cheaperToRead.findLast((one) => classes.includes(one)) ?? 'STANDARD';
}

/** The classes that an object can lie in from now on: those that are chosen among, and the one that it is in. */
export function classesFor(present: StorageClass, { classes }: Choosing): readonly StorageClass[] {
  return classes.includes(present) ? classes : [...classes, present];
}

/** Of a receipt: what was chosen among, absent where it was all that S3 has. */
export const Chosen = z.optional(z.array(StorageClass));

export function chosenAmong({ classes }: Choosing): { readonly classes?: readonly StorageClass[] } {
  return classes.length === StorageClass.options.length ? {} : { classes };
}

/** The rates that a receipt's decision was made by. */
export function amongChosen(rates: Rates, classes: z.infer<typeof Chosen>): Rates {
  return { ...rates, classes: classes ?? StorageClass.options };
}
