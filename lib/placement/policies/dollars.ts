import { exposureUsd, waitingNeverLoses } from '../allowance.ts';
import { type DemandMemory, forecastFrom, NO_MEMORY, remember } from '../demand.ts';
import {
  cheapestClass,
  type DollarPolicy,
  firstClass,
  type Prospect,
  type Standing,
  switchUsd,
} from '../dollarPolicy.ts';
import type { ClassRates } from '../rates.ts';
import type { ObjectView, StepPolicy } from '../simulate.ts';
import { classAt, classIndex, type PolicyContext, type PolicyFactory } from './policy.ts';

/** The dollar policy for one object: what is known decides freely, what is only learned within the allowance. */
export function dollarPolicy(policy: DollarPolicy): PolicyFactory {
  return (context) => new DollarSteps(policy, context);
}

class DollarSteps implements StepPolicy {
  private readonly home: number;
  private memory: DemandMemory = NO_MEMORY;
  private rememberedStep = -1;
  private rememberedReads = 0;
  private exposedUsd = 0;
  private readonly policy: DollarPolicy;
  private readonly context: PolicyContext;

  constructor(policy: DollarPolicy, context: PolicyContext) {
    this.policy = policy;
    this.context = context;
    this.home = classIndex(context, 'INTELLIGENT_TIERING');
  }

  place(view: ObjectView): number {
    this.rememberedStep = view.startStep;
    const known = this.known(view);
    const first = known && firstClass(this.context.classes, view.bytes, known);
    return first === undefined ? this.home : this.context.classes.indexOf(first);
  }

  sweep(view: ObjectView): number {
    return this.decide(view, false);
  }

  afterRead(view: ObjectView): number {
    return this.decide(view, true);
  }

  private decide(view: ObjectView, justRead: boolean): number {
    const { policy } = this;
    const elapsedMs = (view.step - this.rememberedStep) * this.context.stepMs;
    this.memory = remember(this.memory, elapsedMs, view.reads - this.rememberedReads, policy.prior);
    this.rememberedStep = view.step;
    this.rememberedReads = view.reads;
    const known = this.known(view);
    if (known !== undefined) return this.cheapest(view, justRead, known);
    const forecast = forecastFrom(this.memory, policy.prior);
    const learned = { forecast, horizonMs: policy.horizonMs, waiting: this.context.waiting };
    return this.withinAllowance(view, justRead, this.cheapest(view, justRead, learned));
  }

  private known(view: ObjectView): Prospect | undefined {
    const { knowledge, waiting } = this.context;
    if (knowledge === undefined || view.step < knowledge.fromStep) return undefined;
    return { forecast: knowledge.forecast, horizonMs: this.policy.knownHorizonMs, waiting };
  }

  private cheapest(view: ObjectView, justRead: boolean, prospect: Prospect): number {
    const { classes } = this.context;
    const from = classAt(this.context, view.classIndex);
    const to = cheapestClass(from, classes, this.standing(view, justRead), prospect, this.policy.margin);
    return classes.indexOf(to);
  }

  private standing(view: ObjectView, justRead: boolean): Standing {
    const { stepMs } = this.context;
    return {
      bytes: view.bytes,
      heldMs: (view.step - view.enteredStep) * stepMs,
      idleMs: (view.step - Math.max(view.enteredStep, view.lastReadStep)) * stepMs,
      justRead,
      lifecycle: true,
    };
  }

  /** Takes the wish where the allowance covers it, else the present class where that is covered, else Intelligent-Tiering. */
  private withinAllowance(view: ObjectView, justRead: boolean, wish: number): number {
    const standing = this.standing(view, justRead);
    const from = classAt(this.context, view.classIndex);
    for (const index of [wish, view.classIndex]) {
      const to = classAt(this.context, index);
      const stays = index === view.classIndex;
      const exposedUsd = this.exposed(to, view, stays ? standing.heldMs : 0, stays ? standing.idleMs : 0);
      const neededUsd = view.paidUsd + switchUsd(from, to, standing) + exposedUsd - this.exposedUsd;
      const free = stays && !justRead && waitingNeverLoses(to, classAt(this.context, this.home), view.bytes);
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
    return exposureUsd(one, home, { bytes: view.bytes, heldMs, idleMs, shadowIdleMs }, stepMs, waiting, 'write-back');
  }
}
