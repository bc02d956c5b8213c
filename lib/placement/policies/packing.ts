import { StorageClass } from '../../shared/ids.ts';
import type { TierRules } from '../../shared/tierSettings.ts';
import { DAY_MS } from '../../shared/units.ts';
import { expectedReads } from '../demand.ts';
import {
  classOutlook,
  type DollarPolicy,
  outlookUsd,
  type Prospect,
  type Standing,
  switchUsd,
} from '../dollarPolicy.ts';
import { plainReason, readsCostMore } from '../packing.ts';
import { choosePackedByDollars, packByDollars, type PackProspect } from '../packTier.ts';
import type { Rates } from '../rates.ts';
import { notPackedByRules } from '../ruleTier.ts';
import type { ObjectView } from '../simulate.ts';
import { classAt, classIndex, isPacked, packedIndex, type PolicyContext } from './policy.ts';

/** Packed in the class that the rules want, where they pack; what is packed changes its class as it is. */
export function packedByRules(view: ObjectView, context: PolicyContext, rules: TierRules, to: number): number {
  const { packing, rates, stepMs } = context;
  if (packing === undefined) return to;
  if (isPacked(context, view.classIndex)) return asItIs(view, context, to);
  const facts = factsOf(view, context);
  const into = StorageClass.parse(classAt(context, to).storageClass);
  const notPacked = notPackedByRules(facts, packing.facts, into, rules, rates, view.step * stepMs);
  return notPacked === undefined ? (packedIndex(context, into) ?? to) : to;
}

/** Packed in its class, where the guards allow it and the class is paid for. */
export function packedInPlace(view: ObjectView, context: PolicyContext): number {
  const { packing, stepMs, waiting } = context;
  const from = classAt(context, view.classIndex);
  const now = view.step * stepMs;
  const paid = (view.step - view.enteredStep) * stepMs >= from.minimumMs;
  if (packing === undefined || !paid) return view.classIndex;
  const notPacked =
    plainReason(factsOf(view, context), packing.facts, from, waiting.toleranceMs, now) ??
    (readsCostMore(from, from, view.bytes, packing.facts) ? 'costs-more' : undefined);
  return notPacked === undefined ? (packedIndex(context, from.storageClass) ?? view.classIndex) : view.classIndex;
}

/** The packed place of the class that is wanted. What is archived as well stays until it is read. */
export function asItIs(view: ObjectView, context: PolicyContext, to: number): number {
  if (!classAt(context, view.classIndex).instant) return view.classIndex;
  return packedIndex(context, classAt(context, to).storageClass) ?? view.classIndex;
}

/** What dollars choose of a packed object, or instead of the plain class that they want. */
export function packedByDollars(
  view: ObjectView,
  context: PolicyContext,
  policy: DollarPolicy,
  given: { readonly standing: Standing; readonly prospect: Prospect; readonly known: boolean; readonly dated: boolean },
  plain: number,
): number {
  const { packing, stepMs } = context;
  const { dated, standing, prospect, known } = given;
  // What is deleted soon is not worth a worker's time.
  if (packing === undefined || prospect.ends === true) return plain;
  const packed = isPacked(context, view.classIndex);
  const bytes = packed ? packing.facts.bytes : view.bytes;
  const one: PackProspect = {
    facts: {
      ...factsOf(view, context),
      ...(known ? { knownReadsPerDay: expectedReads(prospect.forecast, DAY_MS) } : {}),
    },
    packing: { ...packing.facts, packed },
    at: { ...standing, bytes },
    prospect,
    policy,
    rates: amongPacked(context),
    now: view.step * stepMs,
    readsLately: dated ? 0 : view.readsLast30Days,
  };
  const chosen = packed ? choosePackedByDollars(one) : packByDollars(one, plainUsd(one, context, view, plain));
  if (typeof chosen === 'string' || chosen.action === 'keep') return plain;
  if (chosen.action === 'unpack') return classIndex(context, chosen.to);
  return packedIndex(context, chosen.to) ?? plain;
}

/** Of the plain class up to the next read, the move there included. */
function plainUsd({ at, prospect }: PackProspect, context: PolicyContext, view: ObjectView, plain: number): number {
  const [from, to] = [classAt(context, view.classIndex), classAt(context, plain)];
  const there = to === from ? at : { bytes: at.bytes, heldMs: 0, idleMs: 0 };
  const outlook = classOutlook(to, there, prospect.forecast, prospect.horizonMs, prospect.waiting);
  return outlook === undefined ? Number.POSITIVE_INFINITY : switchUsd(from, to, at) + outlookUsd(outlook);
}

function amongPacked(context: PolicyContext): Rates {
  const { rates } = context;
  return { ...rates, classes: rates.classes.filter((name) => packedIndex(context, name) !== undefined) };
}

/** The facts of a decision on packing, as the plane has them of an object. */
function factsOf(view: ObjectView, context: PolicyContext) {
  const { stepMs, waiting } = context;
  return {
    bytes: view.bytes,
    storageClass: StorageClass.parse(classAt(context, view.classIndex).storageClass),
    createdAt: view.startStep * stepMs,
    transitionedAt: view.enteredStep * stepMs,
    lastAccessAt: view.lastReadStep < 0 ? undefined : view.lastReadStep * stepMs,
    accessesLast30Days: view.readsLast30Days,
    restoreToleranceMs: waiting.toleranceMs,
  };
}
