import { DAY_MS } from '../shared/units.ts';
import type { ClassSteps, Mechanics, ObjectCosts } from './objectCosts.ts';
import type { ObjectHistory } from './optimum.ts';

/** What an online policy may look at when it decides for one object: the past only. Reused between calls; do not keep it. */
export interface ObjectView {
  bytes: number;
  /** The step that is being decided, and those of the past that count. -1 stands for never. */
  step: number;
  startStep: number;
  lastReadStep: number;
  /** Index of the class that the object is in, and the step in which it entered it. */
  classIndex: number;
  enteredStep: number;
  /** Reads of the last 30 days, the present one included when it is decided after a read. */
  readsLast30Days: number;
  reads: number;
}

/** A policy as the simulation drives it. Each call answers with the index of the class in which the object shall be. */
export interface StepPolicy {
  place(view: ObjectView): number;
  /** Once a step, before its reads. */
  sweep(view: ObjectView): number;
  /**
   * After the first read of a step, when its bytes can be written back without being read again; without it the object stays. Of the plane
   * it is only asked for what a restore has brought back, and before the read of what lies packed; it answers a plain class that is read at once.
   */
  afterRead?(view: ObjectView): number;
}

/** A policy with how it moves bytes. */
export interface MovingPolicy {
  readonly mechanics: Mechanics;
  readonly steps: StepPolicy;
}

/** The bill of one policy, and what it did. */
export interface Bill {
  storageUsd: number;
  requestUsd: number;
  retrievalUsd: number;
  earlyDeletionUsd: number;
  gpuWaitingUsd: number;
  reads: number;
  /** Reads that paid retrieval, and those that had to wait for a restore or an unpacking. */
  retrievals: number;
  restores: number;
  moves: number;
  waitMs: number;
}

export function emptyBill(): Bill {
  return {
    storageUsd: 0,
    requestUsd: 0,
    retrievalUsd: 0,
    earlyDeletionUsd: 0,
    gpuWaitingUsd: 0,
    reads: 0,
    retrievals: 0,
    restores: 0,
    moves: 0,
    waitMs: 0,
  };
}

export function billUsd(bill: Bill): number {
  return bill.storageUsd + bill.requestUsd + bill.retrievalUsd + bill.earlyDeletionUsd + bill.gpuWaitingUsd;
}

/** Plays one object's whole history through a policy and adds what it pays to `bill`. */
export function simulate(run: ObjectRun): void {
  for (let step = run.history.startStep; step < run.history.endStep; step += 1) run.step(step);
}

/**
 * One object under one policy, a step at a time, so that many objects can be played in the order of time. The rules are those of
 * `ObjectCosts`; `offlineOptimum` is the least that any policy can reach here.
 */
export class ObjectRun {
  private readonly view: ObjectView;
  private age = 0;
  private next = 0;
  /** The first read that the 30-day window still holds. */
  private windowStart = 0;

  readonly history: ObjectHistory;
  private readonly costs: ObjectCosts;
  private readonly policy: StepPolicy;
  private readonly mechanics: Mechanics;
  private readonly bill: Bill;
  private readonly windowSteps: number;

  constructor(
    history: ObjectHistory,
    costs: ObjectCosts,
    bytes: number,
    policy: MovingPolicy,
    stepMs: number,
    bill: Bill,
  ) {
    this.history = history;
    this.costs = costs;
    this.policy = policy.steps;
    this.mechanics = policy.mechanics;
    this.bill = bill;
    this.windowSteps = Math.ceil((30 * DAY_MS) / stepMs);
    this.view = {
      bytes,
      step: history.startStep,
      startStep: history.startStep,
      lastReadStep: -1,
      classIndex: 0,
      enteredStep: history.startStep,
      readsLast30Days: 0,
      reads: 0,
    };
  }

  /** Plays one step; steps come in order, beginning with the history's first. Returns the dollars paid. */
  step(step: number): number {
    const { view, history, bill } = this;
    const before = billUsd(bill);
    view.step = step;
    this.slideWindow(step);
    if (step === history.startStep) this.place();
    else this.move(this.policy.sweep(view), 'sweep');
    if (history.steps[this.next] === step) this.read(history.counts[this.next] ?? 0);
    bill.storageUsd += this.atAge(this.present().storageUsd);
    this.age += 1;
    if (history.deleted && step === history.endStep - 1) this.leave();
    return billUsd(bill) - before;
  }

  private place(): void {
    this.view.classIndex = this.policy.place(this.view);
    this.bill.requestUsd += this.present().putUsd;
  }

  /** Charges what remains of the minimum duration. */
  private leave(): void {
    this.bill.earlyDeletionUsd += this.atAge(this.present().earlyDeletionUsd);
  }

  private atAge(usd: Float64Array): number {
    return usd[Math.min(this.age, usd.length - 1)] ?? 0;
  }

  private present(): ClassSteps {
    const steps = this.costs.classes[this.view.classIndex];
    if (steps === undefined)
      throw new RangeError(`the policy chose class ${this.view.classIndex}, which the table lacks`);
    return steps;
  }

  private read(count: number): void {
    const { view, bill } = this;
    this.next += 1;
    view.lastReadStep = view.step;
    view.reads += count;
    view.readsLast30Days += count;
    if (this.present().packed) this.unpack();
    const first = this.present();
    bill.gpuWaitingUsd += first.waitingUsd;
    bill.waitMs += first.waitMs;
    bill.restores += first.waitMs > 0 ? 1 : 0;
    this.payReads(first, first.firstReadUsd - first.waitingUsd, 1);
    const kind = this.mechanics === 'lifecycle' ? 'write-back' : 'restored';
    if (kind === 'write-back' || first.waitMs > 0) this.move(this.policy.afterRead?.(view) ?? view.classIndex, kind);
    if (count > 1) this.payReads(this.present(), this.present().nextReadUsd, count - 1);
  }

  private unpack(): void {
    const { view, bill } = this;
    const { firstReadUsd, waitingUsd, waitMs } = this.present();
    bill.gpuWaitingUsd += waitingUsd;
    bill.waitMs += waitMs;
    bill.restores += 1;
    bill.retrievalUsd += firstReadUsd - waitingUsd;
    this.move(this.policy.afterRead?.(view) ?? view.classIndex, 'restored');
    if (this.present().packed) throw new RangeError('the policy leaves packed what is read');
  }

  private payReads(steps: ClassSteps, usdEach: number, reads: number): void {
    const { bill } = this;
    bill.reads += reads;
    bill.requestUsd += reads * steps.getUsd;
    bill.retrievalUsd += reads * (usdEach - steps.getUsd);
    bill.retrievals += usdEach > steps.getUsd ? reads : 0;
    if (steps.readResetsAge) this.age = 0;
  }

  private move(to: number, kind: 'sweep' | 'write-back' | 'restored'): void {
    const { view, bill, costs } = this;
    if (to === view.classIndex) return;
    this.leave();
    const { classIndex: from } = view;
    const { requestUsd, retrievalUsd } = costs.moves[this.mechanics];
    if (kind === 'sweep') bill.retrievalUsd += retrievalUsd[from]?.[to] ?? 0;
    bill.requestUsd += kind === 'write-back' ? (costs.classes[to]?.putUsd ?? 0) : (requestUsd[from]?.[to] ?? 0);
    if (this.mechanics === 'plane') bill.storageUsd += this.atAge(this.present().oldCopyUsd);
    bill.moves += 1;
    view.classIndex = to;
    view.enteredStep = view.step;
    this.age = 0;
  }

  private slideWindow(step: number): void {
    const { steps, counts } = this.history;
    while (this.windowStart < this.next && (steps[this.windowStart] ?? 0) <= step - this.windowSteps) {
      this.view.readsLast30Days -= counts[this.windowStart] ?? 0;
      this.windowStart += 1;
    }
  }
}
