import type { EvictionChoice } from '../../events/command-receipt/v1.ts';
import {
  type Access,
  AccessLog,
  type AccessLogState,
  createStrata,
  NO_GROUP,
  NO_OBJECT,
  ServingCache,
} from '../../lib/caching/index.ts';
import type { MissCost } from '../../lib/placement/index.ts';
import { Digest, type StorageClass } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { OriginSpeed } from '../metrics/originSpeed.ts';
import { createBlobNumbers } from './blobNumbers.ts';

/**
 * The opinion on which blob leaves first; the store owns the facts and forbids what is leased, pinned or being worked on. Life of
 * a blob here: asked for → entered → left; it is remembered after it left. All that was learned can be rebuilt from `log`.
 *
 * What a start has to tell is much and seldom needed at once. So what the policy is told waits in a queue until its opinion is
 * asked for, or `catchUp` was called often enough; from then on it is heard at once. The order never changes, nor do the answers.
 */
export interface EvictionPolicy {
  /** A blob is wanted, whether it is here or not. */
  asked(digest: Digest, bytes: number, storageClass?: StorageClass): void;
  entered(digest: Digest, bytes: number, storageClass?: StorageClass): void;
  left(digest: Digest, evicted: boolean): void;
  victim(evictable: (digest: Digest) => boolean): Digest | undefined;
  /** Why `victim` answered that blob; before it has left. */
  explain(victim: Digest, evictable: (digest: Digest) => boolean, roomFor: Digest | undefined): EvictionChoice;
  /** The same of copies on SSD, in the order in which they would leave: the first does. */
  explainBelow(copies: readonly Copy[], roomFor: Digest | undefined): EvictionChoice;
  /** E[h ÷ (h + d)] of a use d accesses away, here or not; 0 for what is not remembered. */
  useOdds(digest: Digest): number;
  resized(capacityBytes: number): void;
  log(): AccessLogState;
  /** Hears at most so many of the things that wait. */
  catchUp(most: number): void;
  /** Counts what was asked for, so that a log that has not changed need not be saved. */
  readonly asks: number;
}

export interface EvictionConfig {
  /** What a miss costs by where the origin lies, at `speed` where that was measured; `weighs` says which of the two decides. */
  readonly missCost: (bytes: number, storageClass?: StorageClass, speed?: OriginSpeed) => Pick<MissCost, 'ms' | 'usd'>;
  readonly weighs: 'dollars' | 'wait';
  /** Of the GPU that waits so many milliseconds. */
  readonly waitUsd: (ms: number) => number;
  /** What writing takes off the life of an SSD volume. */
  readonly wearUsdPerByte: number;
}

/** A copy on another tier than the one that the policy fills. */
interface Copy {
  readonly digest: Digest;
  readonly size: number;
  readonly origin: { readonly storageClass?: StorageClass | undefined } | undefined;
}

/** What a miss of a blob is priced by; the class as its origin was told. */
interface Priced {
  readonly bytes: number;
  readonly storageClass: StorageClass | undefined;
}

/** Blobs that the policy remembers, resident or not; far more than a host holds. */
const MOST_REMEMBERED = 16_384;
/** Further blobs that a receipt names: what would have left next. */
const NEXT_IN_LINE = 3;
/** Of a blob that nothing is remembered of. */
const UNKNOWN = { uses: 0, accessesAgo: 0, useOdds: 0, kept: false };

/**
 * The strata policy over a cache that must hold whatever it serves.
 * @param saved what `log` gave before a restart
 * @throws CachingError `bad-state` where `saved` is none of that
 */
export function createEvictionPolicy(config: EvictionConfig, capacityBytes: number, saved?: unknown): EvictionPolicy {
  const log = saved === undefined ? new AccessLog() : AccessLog.fromState(saved);
  let asks = 0;
  const here = new Map<Digest, Priced>();
  const numbers = createBlobNumbers(MOST_REMEMBERED, (number) => mind.cache.forget(number));
  let mind = emptyMind(capacityBytes);
  const told = createQueue(log.showings(mind.policy, numberOfKey));

  function numberOfKey(key: string): number | undefined {
    const digest = Digest.safeParse(key);
    return digest.success ? numbers.assign(digest.data) : undefined;
  }

  /** A blob without bytes takes no room, and no part. */
  function accessOf(digest: Digest, { bytes, storageClass }: Priced): Access | undefined {
    const object = bytes > 0 ? numbers.assign(digest) : undefined;
    if (object === undefined) return undefined;
    const { ms, usd } = config.missCost(bytes, storageClass);
    const missCost = config.weighs === 'dollars' ? usd : ms / 1000;
    return { object, bytes, missCost, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
  }

  function judgementOf(object: number | undefined) {
    return object === undefined ? UNKNOWN : mind.policy.judgementOf(object);
  }

  function weigh(digest: Digest, { bytes, storageClass }: Priced, object: number | undefined) {
    const { ms, usd } = config.missCost(bytes, storageClass);
    const { uses, accessesAgo, useOdds, kept } = judgementOf(object);
    const place = object !== undefined && mind.cache.isGuest(object) ? 0 : kept ? 2 : 1;
    const density = (useOdds / (1 - useOdds)) * ((config.weighs === 'dollars' ? usd : ms) / bytes);
    const weighed = {
      digest,
      bytes: Bytes.parse(bytes),
      missSeconds: ms / 1000,
      missUsd: usd,
      uses,
      accessesAgo,
      useOdds,
    };
    return { weighed, place, density };
  }

  function ask(digest: Digest, blob: Priced): void {
    const access = accessOf(digest, blob);
    if (access === undefined) return;
    asks += 1;
    if (here.has(digest)) here.set(digest, blob);
    log.record(digest, access);
    mind.cache.ask(access);
  }

  function enter(digest: Digest, blob: Priced): void {
    // Found on the disk at a start, and the log does not reach back to it.
    if (numbers.numberOf(digest) === undefined) ask(digest, blob);
    const access = accessOf(digest, blob);
    if (access === undefined) return;
    numbers.use(digest);
    here.set(digest, blob);
    mind.cache.entered(access);
  }

  function leave(digest: Digest, evicted: boolean): void {
    const object = numbers.numberOf(digest);
    if (object === undefined) return;
    mind.cache.left(object, evicted);
    here.delete(digest);
    numbers.release(digest);
  }

  return {
    asked: (digest, bytes, storageClass) => told.hear(() => ask(digest, { bytes, storageClass })),
    entered: (digest, bytes, storageClass) => told.hear(() => enter(digest, { bytes, storageClass })),
    left: (digest, evicted) => told.hear(() => leave(digest, evicted)),
    victim(evictable) {
      told.all();
      const object = mind.cache.victim((number) => {
        const digest = numbers.digestOf(number);
        return digest !== undefined && evictable(digest);
      });
      return object === NO_OBJECT ? undefined : numbers.digestOf(object);
    },
    explain(victim, evictable, roomFor) {
      told.all();
      const rows = [...here].flatMap(([digest, blob]) => {
        const object = numbers.numberOf(digest);
        const wanted = digest === victim || evictable(digest);
        return object === undefined || !wanted ? [] : [weigh(digest, blob, object)];
      });
      const evicted = rows.find(({ weighed }) => weighed.digest === victim);
      if (evicted === undefined) throw new RangeError(`${victim} is not resident.`);
      const others = rows.filter((row) => row !== evicted).sort((a, b) => a.place - b.place || a.density - b.density);
      return {
        policy: mind.policy.name,
        judge: mind.policy.leader,
        reason: (['guest', 'not-kept', 'least-worth'] as const)[evicted.place] ?? 'least-worth',
        ...(roomFor === undefined ? {} : { roomFor }),
        evicted: evicted.weighed,
        next: others.slice(0, NEXT_IN_LINE).map(({ weighed }) => weighed),
      };
    },
    explainBelow(copies, roomFor) {
      told.all();
      const [evicted, ...next] = copies
        .slice(0, 1 + NEXT_IN_LINE)
        .map(({ digest, size, origin }) =>
          weigh(digest, { bytes: size, storageClass: origin?.storageClass }, numbers.numberOf(digest)),
        );
      if (evicted === undefined) throw new RangeError('None of no copies leaves.');
      return {
        policy: mind.policy.name,
        judge: mind.policy.leader,
        reason: 'least-worth',
        ...(roomFor === undefined ? {} : { roomFor }),
        evicted: evicted.weighed,
        next: next.map(({ weighed }) => weighed),
      };
    },
    useOdds(digest) {
      told.all();
      return judgementOf(numbers.numberOf(digest)).useOdds;
    },
    resized(capacity) {
      told.all();
      mind = emptyMind(capacity);
      for (const show of log.showings(mind.policy, numberOfKey)) told.later(show);
      for (const [digest, blob] of here) told.later(() => enter(digest, blob));
    },
    log() {
      told.all();
      return log.toState();
    },
    catchUp: (most) => told.some(most),
    get asks() {
      told.all();
      return asks;
    },
  };
}

/** Work in its order: at once while none waits, else after what waits. */
function createQueue(waiting: (() => void)[]) {
  let next = 0;

  function some(most: number): void {
    const until = Math.min(waiting.length, next + most);
    // One that is done does not come again, even where it throws.
    while (next < until) waiting[next++]?.();
    if (next < waiting.length) return;
    waiting = [];
    next = 0;
  }

  return {
    some,
    all: () => some(waiting.length),
    later: (work: () => void) => void waiting.push(work),
    hear(work: () => void): void {
      if (waiting.length > 0) waiting.push(work);
      else work();
    },
  };
}

function emptyMind(capacityBytes: number) {
  const limits = { capacityBytes, objects: MOST_REMEMBERED, seed: 1 };
  const policy = createStrata(limits);
  return { policy, cache: new ServingCache(policy, limits) };
}
