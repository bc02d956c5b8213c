import { Usd } from '../shared/units.ts';
import type { MoveOutcome } from './moveOutcome.ts';

/** What a run of moves has come to so far. */
export interface RunSummary {
  readonly done: number;
  /** Ended without a move: each left its object where it was. */
  readonly failed: number;
  /** By what ended them. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly movedBytes: number;
  /** Of all moves that were done, as they were decided. */
  readonly predictedOnceUsd: Usd;
  readonly predictedUsdPerMonth: Usd;
  /** Of those whose objects are still there, since they were done. */
  readonly measured: number;
  readonly onceUsd: Usd;
  readonly predictedUsd: Usd;
  readonly realisedUsd: Usd;
  /** Reads of them from the bucket since, those that needed a restore, and the longest that one waited. */
  readonly reads: number;
  readonly readsThatWaited: number;
  readonly longestWaitMs: number;
}

/** Adds up the outcomes of a run one at a time. */
export class RunReport {
  private readonly sums = {
    done: 0,
    failed: 0,
    movedBytes: 0,
    predictedOnceUsd: 0,
    predictedUsdPerMonth: 0,
    measured: 0,
    onceUsd: 0,
    predictedUsd: 0,
    realisedUsd: 0,
    reads: 0,
    readsThatWaited: 0,
    longestWaitMs: 0,
  };
  private readonly outcomes = new Map<string, number>();

  add(move: MoveOutcome): void {
    const { sums } = this;
    this.outcomes.set(move.code, (this.outcomes.get(move.code) ?? 0) + 1);
    if (move.state !== 'done') {
      sums.failed += 1;
      return;
    }
    sums.done += 1;
    sums.movedBytes += move.bytes;
    sums.predictedOnceUsd += move.predictedOnceUsd;
    sums.predictedUsdPerMonth += move.predictedUsdPerMonth;
    if (move.measured === undefined) return;
    const { onceUsd, predictedUsd, reads, realisedUsd, waitMs } = move.measured;
    sums.measured += 1;
    sums.onceUsd += onceUsd;
    sums.predictedUsd += predictedUsd;
    sums.realisedUsd += realisedUsd;
    sums.reads += reads;
    if (waitMs === 0 || reads === 0) return;
    sums.readsThatWaited += reads;
    sums.longestWaitMs = Math.max(sums.longestWaitMs, waitMs);
  }

  summary(): RunSummary {
    const { onceUsd, predictedOnceUsd, predictedUsd, predictedUsdPerMonth, realisedUsd, ...counts } = this.sums;
    return {
      ...counts,
      outcomes: Object.fromEntries(this.outcomes),
      predictedOnceUsd: Usd.parse(predictedOnceUsd),
      predictedUsdPerMonth: Usd.parse(predictedUsdPerMonth),
      onceUsd: Usd.parse(onceUsd),
      predictedUsd: Usd.parse(predictedUsd),
      realisedUsd: Usd.parse(realisedUsd),
    };
  }
}
