import {
  type Access,
  type CacheOutcome,
  DEFAULT_MISS_WAIT,
  NO_GROUP,
  type PolicyLimits,
  waitSeconds,
} from '../../lib/caching/index.ts';
import type { AccessRecord } from '../../lib/placement/index.ts';
import { DAY_MS, SECOND_MS } from '../../lib/shared/units.ts';

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
  /** `at` in milliseconds, never backwards. */
  access(access: Access, at: number): CacheOutcome;
  /** What lies in it and pays rent; absent where that is not asked. */
  readonly usedBytes?: number;
  left(object: number, evicted: boolean): void;
}

/** What reached the hosts, and what their caches did not answer. */
export interface CacheTally {
  readonly hostReads: number;
  readonly misses: number;
  /** How long the misses let their readers wait: half a second and the bytes at 1.5 GB/s each. */
  readonly missWaitMs: number;
  /** Of the bytes that lay on hosts, for as long as they did, up to the end of the log. */
  readonly rentUsd: number;
}

interface Host {
  readonly cache: HostCache;
  /** Up to when its rent is counted. */
  rentedUntil: number;
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
    readonly rentUsdPerByteMs?: number | undefined;
  };
  private readonly sizes: ObjectSizes;
  private readonly hosts = new Map<string, Host>();
  /** Of each object the latest part that each host has read. */
  private readonly latest = new Map<number, Map<string, PartRead>>();
  private readonly waitMsByStep = new Map<number, number>();
  private readonly rentByStep = new Map<number, number>();
  private lastAt = 0;
  private reads = 0;
  private misses = 0;

  constructor(sizes: ObjectSizes, options: HostCaches['options']) {
    this.sizes = sizes;
    this.options = options;
  }

  /** Whether the record goes on to the store; `step` is the one in which a wait is counted. */
  reachesStore(record: AccessRecord, step: number): boolean {
    const { number, bytes } = this.sizes.of(record.object);
    this.lastAt = Math.max(this.lastAt, record.at);
    if (record.op !== 'read') {
      this.payRent();
      for (const { cache } of this.hosts.values()) cache.left(number, false);
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

  /** When the log has ended. */
  tally(): CacheTally {
    this.payRent();
    const missWaitMs = [...this.waitMsByStep.values()].reduce((sum, ms) => sum + ms, 0);
    const rentUsd = [...this.rentByStep.values()].reduce((sum, usd) => sum + usd, 0);
    return { hostReads: this.reads, misses: this.misses, missWaitMs, rentUsd };
  }

  rentUsdOf(step: number): number {
    return this.rentByStep.get(step) ?? 0;
  }

  /** Milliseconds that the misses of a step let their readers wait. */
  missWaitMsOf(step: number): number {
    return this.waitMsByStep.get(step) ?? 0;
  }

  private read(name: string, object: number, bytes: number, step: number): boolean {
    const seconds = waitSeconds(bytes, DEFAULT_MISS_WAIT);
    const access: Access = { object, bytes, missCost: seconds, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
    this.reads += 1;
    const host = this.hostOf(name);
    this.rentOf(host);
    if (host.cache.access(access, this.lastAt) === 'hit') return true;
    this.misses += 1;
    this.waitMsByStep.set(step, this.missWaitMsOf(step) + seconds * SECOND_MS);
    return false;
  }

  private hostOf(name: string): Host {
    const known = this.hosts.get(name);
    if (known !== undefined) return known;
    const { create, capacityBytes } = this.options;
    const cache = create({ capacityBytes, objects: this.sizes.count, seed: 1 });
    const host = { cache, rentedUntil: this.lastAt };
    this.hosts.set(name, host);
    return host;
  }

  private payRent(): void {
    for (const host of this.hosts.values()) this.rentOf(host);
  }

  /** What has lain there until now, day by day. */
  private rentOf(host: Host): void {
    const { rentUsdPerByteMs = 0 } = this.options;
    const usdPerMs = (host.cache.usedBytes ?? 0) * rentUsdPerByteMs;
    let from = host.rentedUntil;
    host.rentedUntil = this.lastAt;
    if (usdPerMs === 0) return;
    while (from < this.lastAt) {
      const step = Math.floor(from / DAY_MS);
      const until = Math.min(this.lastAt, (step + 1) * DAY_MS);
      this.rentByStep.set(step, this.rentUsdOf(step) + (until - from) * usdPerMs);
      from = until;
    }
  }
}
