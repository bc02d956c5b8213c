import { exposureUsd, waitingNeverLoses } from '../allowance.ts';
import { type DemandForecast, type DemandMemory, forecastFrom, knownDate, NO_MEMORY, remember } from '../demand.ts';
import {
  cheapestClass,
  type DollarPolicy,
  firstClass,
  type Prospect,
  type Standing,
  switchUsd,
} from '../dollarPolicy.ts';
import { planeExtraUsd } from '../planeMove.ts';
import type { ClassRates } from '../rates.ts';
import type { ObjectView, StepPolicy } from '../simulate.ts';
import { regretAfter, wouldComeBack } from '../wayHome.ts';
import { packedByDollars } from './packing.ts';
import { classAt, homeIndex, isPacked, type KnownFact, type PolicyContext, type ReplayPolicy } from './policy.ts';

/** The dollar policy for one object: what is known decides freely, what is only learned within the allowance. */
export function dollarPolicy(policy: DollarPolicy): ReplayPolicy {
  return { mechanics: 'plane', create: (context) => new DollarSteps(policy, context) };
}

class DollarSteps implements StepPolicy {
  private readonly home: number;
  private memory: DemandMemory = NO_MEMORY;
  private rememberedStep = -1;
  private rememberedReads = 0;
  private exposedUsd = 0;
  /** As of its last read, or of when it came to its class. */
  private regretUsd = 0;
  private regretStep = 0;
  private readonly policy: DollarPolicy;
  private readonly context: PolicyContext;

  constructor(policy: DollarPolicy, context: PolicyContext) {
    this.policy = policy;
    this.context = context;
    this.home = homeIndex(context);
  }

  place(view: ObjectView): number {
    this.rememberedStep = view.startStep;
    return this.begin(view);
  }

  /** What a restore or an unpacking has brought back begins as new bytes do. */
  afterRead(view: ObjectView): number {
    return this.begin(view);
  }

  private begin(view: ObjectView): number {
    const known = this.known(view);
    const first = known && firstClass(this.context.classes, view.bytes, known);
    // What an archive shall hold is published where hosts can fetch it; the next sweep moves it.
    return first === undefined || !first.instant ? this.home : this.context.classes.indexOf(first);
  }

  sweep(view: ObjectView): number {
    const { policy } = this;
    const elapsedMs = (view.step - this.rememberedStep) * this.context.stepMs;
    const reads = view.reads - this.rememberedReads;
    this.memory = remember(this.memory, elapsedMs, reads, policy.prior);
    this.rememberedStep = view.step;
    this.rememberedReads = view.reads;
    const known = this.known(view);
    const learned = (): Prospect => this.until(view, forecastFrom(this.memory, policy.prior), policy.horizonMs);
    if (isPacked(this.context, view.classIndex)) return this.packed(view, known, learned(), view.classIndex);
    const overpaid = this.overpaid(view, reads);
    if (known !== undefined) {
      return overpaid ? this.home : this.packed(view, known, known, this.cheapest(view, known));
    }
    if (overpaid) return this.withinAllowance(view, this.home);
    return this.withinAllowance(view, this.cheapest(view, learned()));
  }

  private packed(view: ObjectView, known: Prospect | undefined, learned: Prospect, plain: number): number {
    const told = { known: known !== undefined, dated: this.dated(view) !== undefined };
    const given = { standing: this.standing(view), prospect: known ?? learned, ...told };
    return packedByDollars(view, this.context, this.policy, given, plain);
  }

  /** Whether its class has cost as much more than home as the way there; see `wayHome.ts`. */
  private overpaid(view: ObjectView, reads: number): boolean {
    const [one, home] = [classAt(this.context, view.classIndex), classAt(this.context, this.home)];
    if (view.enteredStep >= this.regretStep) [this.regretUsd, this.regretStep] = [0, view.enteredStep];
    if (one === home || !one.instant) return false;
    const { stepMs } = this.context;
    const after = (step: number, count: number) =>
      regretAfter(this.regretUsd, one, home, view.bytes, (step - this.regretStep) * stepMs, count);
    if (reads > 0) [this.regretUsd, this.regretStep] = [after(view.lastReadStep, reads), view.lastReadStep];
    const usd = after(view.step, 0);
    return usd > 0 && usd >= this.policy.trust * switchUsd(one, home, this.standing(view));
  }

  /** A date of the next read stands above a rate, until it has passed. */
  private known(view: ObjectView): Prospect | undefined {
    const rate = this.latest(view, 'rate');
    const forecast = this.dated(view) ?? rate?.forecast;
    return forecast && this.until(view, forecast, this.policy.knownHorizonMs);
  }

  private dated({ step, lastReadStep }: ObjectView): DemandForecast | undefined {
    const from = lastReadStep === step ? step + 1 : step;
    let next = Number.POSITIVE_INFINITY;
    for (const { fact, fromStep } of this.context.knowledge ?? []) {
      if (fact.kind === 'next-read' && fromStep <= step && fact.step >= from) next = Math.min(next, fact.step);
    }
    return next === Number.POSITIVE_INFINITY ? undefined : knownDate((next - step) * this.context.stepMs);
  }

  private latest<Kind extends KnownFact['kind']>(
    { step }: ObjectView,
    kind: Kind,
  ): Extract<KnownFact, { kind: Kind }> | undefined {
    let latest: Extract<KnownFact, { kind: Kind }> | undefined;
    for (const { fact, fromStep } of this.context.knowledge ?? []) {
      if (isOfKind(fact, kind) && fromStep <= step) latest = fact;
    }
    return latest;
  }

  /** What is deleted soon is looked at until then. */
  private until(view: ObjectView, forecast: DemandForecast, horizonMs: number): Prospect {
    const { stepMs, waiting } = this.context;
    const endMs = ((this.latest(view, 'end')?.step ?? Number.POSITIVE_INFINITY) - view.step) * stepMs;
    const ends = endMs > 0 && endMs <= horizonMs;
    return { forecast, horizonMs: ends ? endMs : horizonMs, waiting, ends };
  }

  private cheapest(view: ObjectView, prospect: Prospect): number {
    const { classes } = this.context;
    const from = classAt(this.context, view.classIndex);
    const home = classAt(this.context, this.home);
    const { margin } = this.policy;
    const rated = this.dated(view) === undefined && this.latest(view, 'rate') !== undefined;
    // What has come home goes back by what is known of its rate only after a month whose reads cost no regret.
    const trust = rated && view.enteredStep > view.startStep ? 0 : this.policy.trust;
    const lasting = classes.filter((one) => !wouldComeBack(one, home, view.bytes, view.readsLast30Days, trust));
    const to = cheapestClass(from, lasting, this.standing(view), prospect, margin);
    return classes.indexOf(to);
  }

  private standing(view: ObjectView): Standing {
    const { stepMs } = this.context;
    return {
      bytes: view.bytes,
      heldMs: (view.step - view.enteredStep) * stepMs,
      idleMs: (view.step - Math.max(view.enteredStep, view.lastReadStep)) * stepMs,
    };
  }

  /** Takes the wish where the allowance covers it, else the present class where that is covered, else Intelligent-Tiering. */
  private withinAllowance(view: ObjectView, wish: number): number {
    const standing = this.standing(view);
    const from = classAt(this.context, view.classIndex);
    for (const index of [wish, view.classIndex]) {
      const to = classAt(this.context, index);
      const stays = index === view.classIndex;
      const exposedUsd = this.exposed(to, view, stays ? standing.heldMs : 0, stays ? standing.idleMs : 0);
      const neededUsd = switchUsd(from, to, standing) + this.extraUsd(from, to, view) + exposedUsd - this.exposedUsd;
      const unread = view.lastReadStep < view.step - 1;
      const free = stays && unread && waitingNeverLoses(to, classAt(this.context, this.home), view.bytes);
      if (free || neededUsd <= this.context.allowance.slackUsd()) return this.take(index, exposedUsd);
    }
    return this.take(this.home, this.exposed(classAt(this.context, this.home), view, 0, 0));
  }

  private take(index: number, exposedUsd: number): number {
    this.context.allowance.expose(this.exposedUsd, exposedUsd);
    this.exposedUsd = exposedUsd;
    return index;
  }

  private exposed(one: ClassRates, view: ObjectView, heldMs: number, idleMs: number): number {
    const { stepMs, waiting } = this.context;
    const shadowIdleMs = (view.step - Math.max(view.startStep, view.lastReadStep)) * stepMs;
    const home = classAt(this.context, this.home);
    const at = { bytes: view.bytes, heldMs, idleMs, shadowIdleMs };
    return exposureUsd(one, home, at, stepMs, waiting) + this.extraUsd(one, home, view);
  }

  private extraUsd(from: ClassRates, to: ClassRates, { bytes }: ObjectView): number {
    return planeExtraUsd(this.context.rates, from, to, bytes);
  }
}

function isOfKind<Kind extends KnownFact['kind']>(
  fact: KnownFact,
  kind: Kind,
): fact is Extract<KnownFact, { kind: Kind }> {
  return fact.kind === kind;
}
