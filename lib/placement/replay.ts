import { Allowance } from './allowance.ts';
import { DOLLARS, type DollarPolicy } from './dollarPolicy.ts';
import { allowedClasses, type ObjectCosts, objectCosts, type PackedPlaces } from './objectCosts.ts';
import { type ObjectHistory, offlineOptimum } from './optimum.ts';
import { packsTo, waitingPacked } from './packedSteps.ts';
import { dollarPolicy } from './policies/dollars.ts';
import type { Knowledge, PolicyContext, ReplayPolicy } from './policies/policy.ts';
import { fixedPolicy, LIFECYCLE_STAGES, lifecyclePolicy, lifecycleRulePolicy, rulePolicy } from './policies/presets.ts';
import { skiRentalPolicy } from './policies/skiRental.ts';
import { LIFECYCLE_RULES } from './lifecycleRules.ts';
import type { Rates } from './rates.ts';
import type { Waiting } from './restore.ts';
import { type Bill, emptyBill, ObjectRun } from './simulate.ts';
import { TIER_RULES } from './tierRules.ts';

/** One object of a replay. */
export interface ReplayObject {
  readonly bytes: number;
  readonly history: ObjectHistory;
  /** In the order of `fromStep`. */
  readonly knowledge?: readonly Knowledge[] | undefined;
  /** The promise to this object's readers, where it differs from the replay's. */
  readonly toleranceMs?: number | undefined;
  /** Packed ÷ plain bytes, where it differs from the replay's. */
  readonly packsTo?: number | undefined;
}

/** What is known of an object beside its reads. */
export interface Known extends Pick<ReplayObject, 'packsTo' | 'toleranceMs'> {
  readonly knowledge: readonly Knowledge[];
}

export interface ReplaySetup {
  readonly rates: Rates;
  /** The classes that any policy may use, STANDARD among them. */
  readonly classes: readonly string[];
  readonly stepMs: number;
  readonly waiting: Waiting;
  /** Packed ÷ plain bytes; without it nothing is packed of which nobody knows how it packs. */
  readonly packsTo?: number | undefined;
  readonly dollars?: DollarPolicy;
}

export interface ReplayResult {
  readonly bill: Bill;
  /** Dollars of each step, from `firstStep` on; for plots. */
  readonly usdByStep: Float64Array;
  readonly firstStep: number;
}

/** Every policy that replay knows, by the name that users type. */
export const POLICIES = {
  'strata-dollars': dollarPolicy(DOLLARS),
  'strata-rules': rulePolicy(TIER_RULES),
  'strata-lifecycle': lifecycleRulePolicy(LIFECYCLE_RULES),
  'intelligent-tiering': fixedPolicy('INTELLIGENT_TIERING'),
  's3-lifecycle': lifecyclePolicy(LIFECYCLE_STAGES),
  'ski-rental': skiRentalPolicy,
  'always-standard': fixedPolicy('STANDARD'),
} as const satisfies Record<string, ReplayPolicy>;
export type PolicyName = keyof typeof POLICIES;

/** Whether a policy can run among these classes. */
export function canRun(name: PolicyName, classes: readonly string[]): boolean {
  const { needs }: ReplayPolicy = POLICIES[name];
  return needs === undefined || classes.includes(needs);
}

export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}

/** Plays all objects through one policy, in the order of time, each object with its own state. */
export function replay(objects: readonly ReplayObject[], policy: ReplayPolicy, setup: ReplaySetup): ReplayResult {
  const bill = emptyBill();
  const shadowBill = emptyBill();
  const allowance = new Allowance((setup.dollars ?? DOLLARS).allowance);
  const starts = [...objects].sort((one, other) => one.history.startStep - other.history.startStep);
  const firstStep = starts[0]?.history.startStep ?? 0;
  const endStep = objects.reduce((end, one) => Math.max(end, one.history.endStep), firstStep);
  const usdByStep = new Float64Array(endStep - firstStep);
  const costs = new CostTables(setup);
  const home = fixedPolicy(setup.classes.includes('INTELLIGENT_TIERING') ? 'INTELLIGENT_TIERING' : 'STANDARD');
  let active: { run: ObjectRun; shadow: ObjectRun }[] = [];
  let next = 0;
  for (let step = firstStep; step < endStep; step += 1) {
    for (let one = starts[next]; one?.history.startStep === step; one = starts[next]) {
      const { context, table } = costs.of(one, allowance);
      const run = ({ mechanics, create }: ReplayPolicy, into: Bill): ObjectRun => {
        const moving = { mechanics, steps: create(context) };
        return new ObjectRun(one.history, table, one.bytes, moving, setup.stepMs, into);
      };
      active.push({ run: run(policy, bill), shadow: run(home, shadowBill) });
      next += 1;
    }
    let ended = false;
    for (const { run, shadow } of active) {
      const usd = run.step(step);
      allowance.record(usd, shadow.step(step));
      usdByStep[step - firstStep] = (usdByStep[step - firstStep] ?? 0) + usd;
      ended ||= run.history.endStep === step + 1;
    }
    if (ended) active = active.filter(({ run }) => run.history.endStep > step + 1);
  }
  return { bill, usdByStep, firstStep };
}

/** The offline optimum of all objects, in dollars. */
export function replayOptimum(objects: readonly ReplayObject[], setup: ReplaySetup): number {
  const costs = new CostTables(setup);
  const allowance = new Allowance(0);
  return objects.reduce((sum, one) => sum + offlineOptimum(one.history, costs.of(one, allowance).table), 0);
}

/** Cost tables are the same for objects of the same size and promise. */
class CostTables {
  private readonly tables = new Map<string, Pick<PolicyContext, 'classes' | 'packing'> & { table: ObjectCosts }>();
  private readonly setup: ReplaySetup;

  constructor(setup: ReplaySetup) {
    this.setup = setup;
  }

  of(one: ReplayObject, allowance: Allowance): { context: PolicyContext; table: ObjectCosts } {
    const { rates, stepMs } = this.setup;
    const { usdPerMs, toleranceMs } = this.setup.waiting;
    const waiting = { usdPerMs, toleranceMs: one.toleranceMs ?? toleranceMs };
    const ratio = one.packsTo ?? this.setup.packsTo;
    const key = `${one.bytes} ${waiting.toleranceMs} ${waiting.usdPerMs} ${ratio}`;
    let known = this.tables.get(key);
    if (known === undefined) {
      const names = allowedClasses(rates, this.setup.classes, one.bytes, waiting);
      const packing = this.packing(one.bytes, ratio, waiting);
      known = {
        classes: names.map((name) => rates.of(name)),
        packing: packing && { facts: packing.facts, classes: packing.classes.map((name) => rates.of(name)) },
        table: objectCosts(rates, names, one.bytes, stepMs, waiting, packing),
      };
      this.tables.set(key, known);
    }
    const { table, ...places } = known;
    return { context: { ...places, rates, stepMs, waiting, allowance, knowledge: one.knowledge }, table };
  }

  private packing(bytes: number, ratio: number | undefined, waiting: Waiting): PackedPlaces | undefined {
    const { rates, classes } = this.setup;
    const facts = packsTo(ratio, bytes);
    const left = facts && waitingPacked(bytes, facts, waiting);
    return facts && left && { facts, classes: allowedClasses(rates, classes, facts.bytes, left) };
  }
}
