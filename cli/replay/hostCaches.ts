import {
  type Access,
  type CacheOutcome,
  DEFAULT_MISS_WAIT,
  NO_GROUP,
  type PolicyLimits,
  waitSeconds,
} from '../../lib/caching/index.ts';
import type { AccessRecord } from '../../lib/placement/index.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';

/** Ranges of one object that a host asks for within this time are parts of one read. */
const ONE_READ_MS = 600_000;

/** The objects of a log, numbered, with the largest size that it tells of each. */
export class ObjectSizes {
  private readonly numbers = new Map<string, number>();
  private readonly bytes: number[] = [];

  add(record: AccessRecord): void {
    const number = this.numbers.get(record.object) ?? this.numbers.size;
    if (number === this.numbers.size) this.numbers.set(record.object, number);
    this.bytes[number] = Math.max(this.bytes[number] ?? 0, record.objectBytes ?? record.readBytes ?? 0);
  }

  get count(): number {
    return this.numbers.size;
  }

  /** Throws `RangeError` for an object that was not added. */
  of(object: string): { readonly number: number; readonly bytes: number } {
    const number = this.numbers.get(object);
    if (number === undefined) throw new RangeError(`${object} was not in the log when it was read first.`);
    return { number, bytes: this.bytes[number] ?? 0 };
  }
}

/** What one host keeps: `left` takes out what was deleted or written anew. */
export interface HostCache {
  access(access: Access): CacheOutcome;
  left(object: number, evicted: boolean): void;
}

/** What reached the hosts, and what their caches did not answer. */
export interface CacheTally {
  readonly hostReads: number;
  readonly misses: number;
  /** How long the misses let their readers wait: half a second and the bytes at 1.5 GB/s each. */
  readonly missWaitMs: number;
}

interface PartRead {
  readonly at: number;
  readonly hit: boolean;
}

/**
 * The caches of all hosts of a log, in front of the store, each of `capacityBytes`: what they answer never reaches the store. Records come
 * in the order of the log.
 */
export class HostCaches {
  private readonly options: {
    readonly create: (limits: PolicyLimits) => HostCache;
    readonly capacityBytes: number;
    readonly defaultBytes: number;
  };
  private readonly sizes: ObjectSizes;
  private readonly caches = new Map<string, HostCache>();
  /** Of each object the latest part that each host has read. */
  private readonly latest = new Map<number, Map<string, PartRead>>();
  private readonly waitMsByStep = new Map<number, number>();
  private reads = 0;
  private misses = 0;

  constructor(sizes: ObjectSizes, options: HostCaches['options']) {
    this.sizes = sizes;
    this.options = options;
  }

  /** Whether the record goes on to the store; `step` is the one in which a wait is counted. */
  reachesStore(record: AccessRecord, step: number): boolean {
    const { number, bytes } = this.sizes.of(record.object);
    if (record.op !== 'read') {
      for (const cache of this.caches.values()) cache.left(number, false);
      this.latest.delete(number);
      return true;
    }
    const host = record.host ?? '';
    const latest = this.latest.get(number) ?? new Map<string, PartRead>();
    const before = latest.get(host);
    const isPart = record.readBytes !== undefined && record.readBytes < bytes;
    const hit =
      isPart && before !== undefined && record.at - before.at < ONE_READ_MS
        ? before.hit
        : this.read(host, number, bytes > 0 ? bytes : this.options.defaultBytes, step);
    if (isPart) this.latest.set(number, latest.set(host, { at: record.at, hit }));
    return !hit;
  }

  tally(): CacheTally {
    const missWaitMs = [...this.waitMsByStep.values()].reduce((sum, ms) => sum + ms, 0);
    return { hostReads: this.reads, misses: this.misses, missWaitMs };
  }

  /** Milliseconds that the misses of a step let their readers wait. */
  missWaitMsOf(step: number): number {
    return this.waitMsByStep.get(step) ?? 0;
  }

  private read(host: string, object: number, bytes: number, step: number): boolean {
    const seconds = waitSeconds(bytes, DEFAULT_MISS_WAIT);
    const access: Access = { object, bytes, missCost: seconds, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
    this.reads += 1;
    if (this.cacheOf(host).access(access) === 'hit') return true;
    this.misses += 1;
    this.waitMsByStep.set(step, this.missWaitMsOf(step) + seconds * SECOND_MS);
    return false;
  }

  private cacheOf(host: string): HostCache {
    const known = this.caches.get(host);
    if (known !== undefined) return known;
    const { create, capacityBytes } = this.options;
    const cache = create({ capacityBytes, objects: this.sizes.count, seed: 1 });
    this.caches.set(host, cache);
    return cache;
  }
}
