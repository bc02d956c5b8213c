import type { LoadSource } from '../../events/host-heartbeat/metrics.ts';
import { record } from '../../lib/hostMetrics/index.ts';
import type { ModelName } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { DiskTier } from '../nvme/volumes.ts';
import { createSteadyTime, type SteadyTime } from '../nvme/steadyTime.ts';
import { createOriginSpeed, type OriginSpeed } from './originSpeed.ts';
import { addCount, createTally, recordLoad, sumOf, type Tally } from './tally.ts';

/*
 * What the agent counts of its own work. Nothing here waits, throws or is written to the disk: a restart begins anew. Counts go
 * into a sum since the start, which only grows, and into the minute that runs; of the minutes that ended the last ten are kept.
 */
export interface Meters {
  /** For durations: steady, so that a clock that jumps shows in no latency. */
  readonly time: SteadyTime;
  /** An ask of a process has ended: with a lease at once, after a wait, or with an error. */
  asked(outcome: 'hit' | 'miss' | 'failure', ms: number): void;
  /** A process was given a file. */
  opened(tier: DiskTier, bytes: number): void;
  /** All files of a model are at hand, `ms` after the first ask for them. */
  loaded(model: ModelName, source: LoadSource, ms: number): void;
  wrote(tier: DiskTier, bytes: number): void;
  evicted(tier: DiskTier, bytes: number): void;
  movedIn(tier: DiskTier, bytes: number): void;
  scrubbed(tier: DiskTier, bytes: number): void;
  /** Bytes of the origin that were verified on the disk. */
  received(bytes: number): void;
  fetched(bytes: number, ms: number): void;
  /** Bytes of the origin come, or may, until the returned function is called. */
  fetching(): () => void;
  fetchFailed(code: string): void;
  retried(kind: string): void;
  firstByte(ms: number): void;
  /** Undefined until fetches have measured it. */
  originSpeed(): OriginSpeed | undefined;
  readonly totals: Tally;
  /** Ends the running minute where it has lasted one; called every few seconds. */
  turn(): void;
  /** The last minute that ended; undefined in the first one. */
  lastMinute(): Minute | undefined;
  /** Of the minutes that are kept and the running one. */
  recent(): Tally;
}

export interface Minute {
  /** Counts up: two that differ are two minutes. */
  readonly number: number;
  readonly seconds: number;
  readonly tally: Tally;
}

const MINUTE_MS = 60_000;
const MINUTES_KEPT = 10;

export function createMeters(clock: Clock): Meters {
  const time = createSteadyTime(clock);
  const totals = createTally();
  const speed = createOriginSpeed();
  const minutes: Minute[] = [];
  let running = createTally();
  let began = time.elapsed();
  let number = 0;
  const both = (count: (tally: Tally) => void) => {
    count(totals);
    count(running);
  };

  return {
    time,
    totals,
    asked: (outcome, ms) =>
      both((tally) => {
        tally.asks[ASKS[outcome]] += 1;
        if (outcome !== 'failure') record(tally.ensureMs, ms);
      }),
    opened: (tier, bytes) =>
      both(({ tiers }) => {
        tiers[tier].opens += 1;
        tiers[tier].servedBytes += bytes;
      }),
    loaded(model, source, ms) {
      record(totals.loads[source], ms);
      recordLoad(running, model, source, ms);
    },
    wrote: (tier, bytes) => both(({ tiers }) => (tiers[tier].writtenBytes += bytes)),
    evicted: (tier, bytes) =>
      both(({ tiers }) => {
        tiers[tier].evictions += 1;
        tiers[tier].evictedBytes += bytes;
      }),
    movedIn: (tier, bytes) =>
      both(({ tiers }) => {
        tiers[tier].movesIn += 1;
        tiers[tier].movedInBytes += bytes;
      }),
    scrubbed: (tier, bytes) => both(({ tiers }) => (tiers[tier].scrubbedBytes += bytes)),
    received(bytes) {
      speed.received(bytes, time.elapsed());
      both(({ transfer }) => (transfer.fetchedBytes += bytes));
    },
    fetching() {
      speed.began(time.elapsed());
      return () => speed.ended();
    },
    fetched: (bytes, ms) =>
      both((tally) => {
        tally.transfer.fetches += 1;
        if (ms > 0) record(tally.fetchBytesPerSecond, (bytes / ms) * 1000);
      }),
    fetchFailed: (code) => both(({ failures }) => addCount(failures, code)),
    retried: (kind) => both(({ retries }) => addCount(retries, kind)),
    firstByte(ms) {
      speed.firstByte(ms);
      both(({ firstByteMs }) => record(firstByteMs, ms));
    },
    originSpeed: () => speed.measured(),
    turn() {
      const now = time.elapsed();
      if (now - began < MINUTE_MS) return;
      number += 1;
      minutes.push({ number, seconds: (now - began) / 1000, tally: running });
      if (minutes.length > MINUTES_KEPT) minutes.shift();
      running = createTally();
      began = now;
    },
    lastMinute: () => minutes.at(-1),
    recent: () => sumOf([...minutes.map(({ tally }) => tally), running]),
  };
}

const ASKS = { hit: 'hits', miss: 'misses', failure: 'failures' } as const;
