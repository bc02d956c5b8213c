/**
 * A deterministic scheduler for code whose every wait is a call of a port.
 *
 * Life cycle: a `World` spawns tasks; each port call parks before and after its effect; each step of `run` picks one parked call by
 * the seed, lets it go on, and drains all microtasks. Time moves only when nothing is ready, or when the seed says so. A
 * crash marks an incarnation dead: its parked calls are dropped and never settle, so no `finally` runs.
 *
 * Traps: order must come from the seed alone. Nothing here may use the real clock, hash order or locale.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { EpochMs } from '../../lib/shared/units.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Rng } from './rng.ts';

/** One life of one process or invocation. After `alive` turned false nothing of it runs again. */
export interface Incarnation {
  readonly name: string;
  alive: boolean;
  /** Parked calls of a paused incarnation wait until this moment, as in a stopped process. */
  pausedUntil: number;
  /** Its reads of objects are answered no sooner. */
  readsAnsweredAt: number;
  /** How far its wall clock is off, in milliseconds. */
  skewMs: number;
}

interface Parked {
  readonly incarnation: Incarnation;
  readonly label: string;
  readonly resume: () => void;
}

interface Timer extends Parked {
  readonly at: number;
  readonly order: number;
}

export class EscapedAwaitError extends Error {
  override readonly name = 'EscapedAwaitError';
}

export class TaskFailedError extends Error {
  override readonly name = 'TaskFailedError';
}

/** 2026-01-05T00:00:00Z, a Monday. */
export const SIMULATION_START = 1_767_571_200_000;

export class Scheduler {
  now = SIMULATION_START;
  steps = 0;
  /** FNV-1a over the labels in the order in which they ran: equal runs have equal hashes. */
  traceHash = 0x811c9dc5;
  /** Called for each chosen call, before it goes on; answers whether its incarnation crashes there instead. */
  crashHere: (incarnation: Incarnation, label: string) => boolean = () => false;
  onCrash: (incarnation: Incarnation) => void = () => {};
  trace: ((line: string) => void) | undefined;

  private readonly ready: Parked[] = [];
  private timers: Timer[] = [];
  private timerOrder = 0;
  private readonly tasks = new Map<number, Incarnation>();
  private taskNumber = 0;
  /** Whether an incarnation died since its parked calls were last dropped. */
  private deaths = false;
  private failure: unknown;
  private readonly rng: Rng;

  constructor(rng: Rng) {
    this.rng = rng;
  }

  incarnation(name: string): Incarnation {
    return { name, alive: true, pausedUntil: 0, readsAnsweredAt: 0, skewMs: 0 };
  }

  clockOf(incarnation: Incarnation): Clock {
    let last = EpochMs.parse(0);
    return {
      now: () => {
        const moment = Math.max(0, Math.floor(this.now + incarnation.skewMs));
        if (moment !== last) last = EpochMs.parse(moment);
        return last;
      },
      sleep: (ms) => this.sleep(incarnation, ms),
    };
  }

  /** Runs a top-level task. A rejection that reaches here is a failure of the simulated system's host, and ends the run. */
  spawn(incarnation: Incarnation, task: () => Promise<void>): void {
    this.taskNumber += 1;
    const number = this.taskNumber;
    this.tasks.set(number, incarnation);
    task().then(
      () => this.tasks.delete(number),
      (error: unknown) => {
        this.tasks.delete(number);
        if (incarnation.alive) this.failure ??= error;
      },
    );
  }

  park(incarnation: Incarnation, label: string): Promise<void> {
    return new Promise((resolve) => {
      if (incarnation.alive) this.ready.push({ incarnation, label, resume: resolve });
    });
  }

  sleep(incarnation: Incarnation, ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!incarnation.alive) return;
      this.timerOrder += 1;
      const at = this.now + Math.max(0, Math.ceil(ms));
      this.timers.push({
        incarnation,
        label: `${incarnation.name} wakes`,
        resume: resolve,
        at,
        order: this.timerOrder,
      });
    });
  }

  crash(incarnation: Incarnation): void {
    if (!incarnation.alive) return;
    incarnation.alive = false;
    this.deaths = true;
    this.onCrash(incarnation);
  }

  /**
   * Takes steps until `limitOf` answers `undefined`. Before each one it is asked up to when time may move, and told whether something ran
   * in the one before; when nothing is left to run before the limit, that is the time. Rejects with what it or a task threw.
   */
  run(limitOf: (ran: boolean) => number | undefined): Promise<void> {
    // Callbacks instead of promises: tens of thousands of steps make up a run.
    return new Promise((resolve, reject) => {
      const begin = orFail((ran: boolean) => {
        const limit = limitOf(ran);
        if (limit === undefined) resolve();
        // A tick of Node waits for all microtasks: cheaper than a turn of the event loop.
        else process.nextTick(step, limit);
      }, reject);
      const step = orFail((limit: number) => {
        const chosen = this.chooseReady();
        if (chosen !== undefined) goOn(chosen);
        // Before time moves, also what waits for a later turn of the event loop goes on. A tick comes after microtasks only where one asks for it.
        else void nextTurn(limit).then(lastStep);
      }, reject);
      const lastStep = orFail((limit: number) => {
        const chosen = this.chooseReady();
        if (chosen !== undefined) goOn(chosen);
        else {
          this.throwFailure();
          begin(this.advance(limit));
        }
      }, reject);
      const goOn = (chosen: Parked): void => {
        this.throwFailure();
        this.take(chosen);
        void STARTED.then(begin);
      };
      begin(true);
    });
  }

  private throwFailure(): void {
    if (this.failure !== undefined)
      throw new TaskFailedError('A task of the simulated system threw.', { cause: this.failure });
  }

  private take(chosen: Parked): void {
    this.steps += 1;
    this.record(chosen.label);
    if (this.crashHere(chosen.incarnation, chosen.label)) {
      this.trace?.(`  ✗ ${chosen.incarnation.name} crashes at ${chosen.label}`);
      this.crash(chosen.incarnation);
    } else {
      this.trace?.(`${chosen.incarnation.name} · ${chosen.label}`);
      chosen.resume();
    }
  }

  /** The moment at which the next sleeper or paused incarnation wakes; undefined when there is none. */
  nextWake(): number | undefined {
    let next: number | undefined;
    for (const timer of this.timers) {
      const at = Math.max(timer.at, timer.incarnation.pausedUntil);
      if (next === undefined || at < next) next = at;
    }
    for (const { incarnation } of this.ready) {
      if (incarnation.pausedUntil > this.now && (next === undefined || incarnation.pausedUntil < next)) {
        next = incarnation.pausedUntil;
      }
    }
    return next;
  }

  idle(): boolean {
    return this.ready.every(({ incarnation }) => incarnation.pausedUntil > this.now);
  }

  private advance(limit: number): boolean {
    const next = this.nextWake();
    if (next === undefined || next > limit) {
      if (Number.isFinite(limit)) {
        this.now = Math.max(this.now, limit);
        this.wakeTimers();
        return false;
      }
      const stuck = [...this.tasks.values()].filter(({ alive }) => alive);
      if (stuck.length > 0) {
        throw new EscapedAwaitError(
          `${stuck.map(({ name }) => name).join(', ')}: waiting for something that is no port call (a real await escaped the simulator)`,
        );
      }
      return false;
    }
    this.now = Math.max(this.now, next);
    this.wakeTimers();
    return true;
  }

  /** Moves time on and makes ready whatever is due. */
  advanceTo(moment: number): void {
    this.now = Math.max(this.now, moment);
    this.wakeTimers();
  }

  private wakeTimers(): void {
    const due = this.timers.filter(({ at }) => at <= this.now);
    if (due.length === 0) return;
    this.timers = this.timers.filter(({ at }) => at > this.now);
    due.sort((a, b) => a.at - b.at || a.order - b.order);
    this.ready.push(...due);
  }

  private chooseReady(): Parked | undefined {
    this.dropTheDead();
    let runnable = 0;
    for (const { incarnation } of this.ready) if (incarnation.pausedUntil <= this.now) runnable += 1;
    if (runnable === 0) return undefined;
    let place = this.rng.below(runnable);
    const index = this.ready.findIndex(({ incarnation }) => incarnation.pausedUntil <= this.now && place-- === 0);
    const chosen = this.ready[index]!;
    const last = this.ready.pop()!;
    if (index < this.ready.length) this.ready[index] = last;
    return chosen;
  }

  private dropTheDead(): void {
    if (!this.deaths) return;
    this.deaths = false;
    for (let index = this.ready.length - 1; index >= 0; index -= 1) {
      if (this.ready[index]!.incarnation.alive) continue;
      const last = this.ready.pop()!;
      if (index < this.ready.length) this.ready[index] = last;
    }
    if (this.timers.some(({ incarnation }) => !incarnation.alive)) {
      this.timers = this.timers.filter(({ incarnation }) => incarnation.alive);
    }
    for (const [number, { alive }] of this.tasks) if (!alive) this.tasks.delete(number);
  }

  private record(label: string): void {
    let hash = this.traceHash;
    for (let index = 0; index < label.length; index += 1) hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193);
    this.traceHash = hash >>> 0;
  }
}

/** What waits for it comes after what a resumed call does first. */
const STARTED = Promise.resolve(true);

function orFail<T>(work: (argument: T) => void, fail: (error: unknown) => void): (argument: T) => void {
  return (argument) => {
    try {
      work(argument);
    } catch (error) {
      fail(error);
    }
  };
}
