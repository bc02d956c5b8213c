import { PortError } from '../../lib/shared/errors.ts';
import type { Scheduler } from './scheduler.ts';

/** From a moment until before another one. */
interface Interval {
  readonly from: number;
  readonly until: number;
}

const NEVER: Interval = { from: 0, until: 0 };

/**
 * What the store refuses to the plane: reads of one object, as where a key of others encrypts it, or of the whole bucket, whose key was
 * disabled. A copy reads its source. Hosts are refused nothing.
 */
export class RefusedReads {
  private readonly ofKeys = new Map<string, Interval>();
  private ofAll = NEVER;
  private readonly scheduler: Pick<Scheduler, 'now'>;

  constructor(scheduler: Pick<Scheduler, 'now'>) {
    this.scheduler = scheduler;
  }

  /** From now on, instead of what was refused of it before. */
  refuse(key: string, forMs: number): void {
    this.ofKeys.set(key, this.fromNow(forMs));
  }

  refuseAll(forMs: number): void {
    this.ofAll = this.fromNow(forMs);
  }

  /** Throws as the store does. */
  check(key: string): void {
    if (!this.holds(this.ofAll) && !this.holds(this.ofKeys.get(key))) return;
    const message = `The plane is not authorized to perform kms:Decrypt on the key of ${key}.`;
    throw new PortError({ code: 'access-denied', message, retryable: false });
  }

  /** Whether the object's own reads are refused. */
  isRefused(key: string): boolean {
    return this.holds(this.ofKeys.get(key));
  }

  /** For how long only the object's own reads have been refused, since all others last were; undefined where that is not so now. */
  aloneForMs(key: string): number | undefined {
    const own = this.ofKeys.get(key);
    if (own === undefined || !this.holds(own) || this.holds(this.ofAll)) return undefined;
    return this.scheduler.now - Math.max(own.from, this.ofAll.until);
  }

  private fromNow(forMs: number): Interval {
    return { from: this.scheduler.now, until: this.scheduler.now + forMs };
  }

  private holds({ from, until }: Interval = NEVER): boolean {
    return from <= this.scheduler.now && this.scheduler.now < until;
  }
}
