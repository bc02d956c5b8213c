import * as z from 'zod/mini';
import { describeIssues } from '../shared/describeIssues.ts';
import { cachingError } from './errors.ts';
import type { Access, CachePolicy } from './policy.ts';

/** Key, bytes, cost of a miss, group. */
const LoggedAccess = z.tuple([z.string(), z.number().check(z.positive()), z.number(), z.number()]);

const AccessLogState = z.object({
  schema: z.literal('strata.access-log/v1'),
  accesses: z.array(LoggedAccess),
});
export type AccessLogState = z.infer<typeof AccessLogState>;

/** Enough for every half-life but the longest; replayed in about a second. */
const KEPT_ACCESSES = 16_384;

/**
 * What a policy is warm-started from: the latest accesses themselves. A policy rebuilds all that it had learned by seeing
 * them again, so that its inner state has no format to persist or to migrate. Recording costs one array slot per access.
 */
export class AccessLog {
  readonly #limit: number;
  readonly #ring: z.infer<typeof LoggedAccess>[] = [];
  #next = 0;

  constructor(limit = KEPT_ACCESSES) {
    this.#limit = limit;
  }

  /** @throws CachingError `bad-state` if the value is not what a log's `toState` gave: start cold then */
  static fromState(state: unknown, limit = KEPT_ACCESSES): AccessLog {
    const parsed = AccessLogState.safeParse(state);
    if (!parsed.success) throw cachingError('bad-state', `not an access log: ${describeIssues(parsed.error.issues)}`);
    const log = new AccessLog(limit);
    for (const access of parsed.data.accesses) log.#add(access);
    return log;
  }

  /** `key` outlives the object's number: its digest. */
  record(key: string, access: Access): void {
    this.#add([key, access.bytes, access.missCost, access.group]);
  }

  /** Oldest first; a value for JSON. */
  toState(): AccessLogState {
    return { schema: 'strata.access-log/v1', accesses: this.#inOrder() };
  }

  /**
   * The steps, oldest first, that show the accesses to a policy which has seen none, before it is told what is resident
   * (`entered`): together they may take a second.
   * @param objectOf the number of a key, at its step; undefined leaves the access out
   */
  showings(policy: CachePolicy, objectOf: (key: string) => number | undefined): (() => void)[] {
    return this.#inOrder().map(([key, bytes, missCost, group]) => () => {
      const object = objectOf(key);
      if (object !== undefined) {
        policy.access({ object, bytes, missCost, group, nextUse: Number.POSITIVE_INFINITY }, false);
      }
    });
  }

  #add(access: z.infer<typeof LoggedAccess>): void {
    this.#ring[this.#next] = access;
    this.#next = (this.#next + 1) % this.#limit;
  }

  #inOrder(): z.infer<typeof LoggedAccess>[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }
}
