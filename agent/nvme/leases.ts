import type { Digest } from '../../lib/shared/ids.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { DurationMs } from '../../lib/shared/units.ts';
import type { Ledger } from './ledger.ts';
import { LeaseId } from './records.ts';
import type { SteadyTime } from './steadyTime.ts';

/*
 * A lease keeps blobs on the disk while a process uses them. It is durable before it is handed out and lives for its time
 * to live since it was granted or renewed, counted in steady time; after a restart every lease gets its whole time again.
 * A hold is the same in memory only, for the moments in which the agent itself is about to lease what it fetches.
 */
export interface Lease {
  readonly id: LeaseId;
  readonly digests: readonly Digest[];
}

export interface Leases {
  grant(digests: readonly Digest[]): Promise<Lease>;
  /** False: there is no such lease (any more); its holder must ask for the model again. */
  renew(id: string): boolean;
  release(id: string): Promise<boolean>;
  endExpired(): Promise<void>;
  /** Blocks eviction until the returned function is called. */
  hold(digests: readonly Digest[]): () => void;
  protects(digest: Digest): boolean;
  held(digest: Digest): boolean;
  active(): number;
}

export function createLeases(
  ledger: Ledger,
  deps: { readonly random: Random; readonly time: SteadyTime },
  config: { readonly leaseTtlMs: DurationMs },
): Leases {
  const lastRenewed = new Map<LeaseId, number>();
  const uses = new Map<Digest, number>();
  const holds = new Map<Digest, number>();

  const started = deps.time.elapsed();
  for (const [id, digests] of ledger.state.leases) {
    lastRenewed.set(id, started);
    count(uses, digests, 1);
  }

  async function end(ids: readonly LeaseId[]): Promise<void> {
    if (ids.length === 0) return;
    await ledger.commit(ids.map((lease) => ({ is: 'lease-ended', lease })));
  }

  /** Ends what is in memory and answers what the ledger still has to be told; a second call finds nothing. */
  function forget(id: LeaseId): boolean {
    const digests = ledger.state.leases.get(id);
    if (digests === undefined || !lastRenewed.delete(id)) return false;
    count(uses, digests, -1);
    return true;
  }

  return {
    async grant(digests) {
      const id = LeaseId.parse(deps.random.id());
      // Counted before it is durable, so that nothing is evicted in between.
      count(uses, digests, 1);
      try {
        await ledger.commit([{ is: 'leased', lease: id, digests: [...digests] }]);
      } catch (error) {
        count(uses, digests, -1);
        throw error;
      }
      lastRenewed.set(id, deps.time.elapsed());
      return { id, digests };
    },
    renew(id) {
      const known = LeaseId.safeParse(id);
      if (!known.success || !lastRenewed.has(known.data)) return false;
      lastRenewed.set(known.data, deps.time.elapsed());
      return true;
    },
    async release(id) {
      const known = LeaseId.safeParse(id);
      if (!known.success || !forget(known.data)) return false;
      await end([known.data]);
      return true;
    },
    async endExpired() {
      const now = deps.time.elapsed();
      const expired = [...lastRenewed].filter(([, at]) => now - at >= config.leaseTtlMs).map(([id]) => id);
      await end(expired.filter(forget));
    },
    hold(digests) {
      count(holds, digests, 1);
      let done = false;
      return () => {
        if (!done) count(holds, digests, -1);
        done = true;
      };
    },
    protects: (digest) => uses.has(digest) || holds.has(digest),
    held: (digest) => holds.has(digest),
    active: () => lastRenewed.size,
  };
}

function count(counts: Map<Digest, number>, digests: readonly Digest[], by: 1 | -1): void {
  for (const digest of digests) {
    const next = (counts.get(digest) ?? 0) + by;
    if (next === 0) counts.delete(digest);
    else counts.set(digest, next);
  }
}
