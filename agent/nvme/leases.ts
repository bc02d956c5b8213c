import type { Digest } from '../../lib/shared/ids.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { DurationMs } from '../../lib/shared/units.ts';
import type { Ledger } from './ledger.ts';
import { LeaseId, type LedgerRecord } from './records.ts';
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
  /** `also`: what becomes durable with it. */
  grant(digests: readonly Digest[], also?: readonly LedgerRecord[]): Promise<Lease>;
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
  deps: { readonly random: Random; readonly time: SteadyTime; readonly telemetry: Telemetry },
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

  /** Ended, which the ledger is still to be told. Until then a restart takes them for leases again. */
  const ended = new Set<LeaseId>();

  /** A ledger that cannot be written now is told by the next upkeep: what has ended protects nothing meanwhile. */
  async function writeEnded(): Promise<void> {
    const ids = [...ended];
    if (ids.length === 0) return;
    try {
      await ledger.commit(ids.map((lease) => ({ is: 'lease-ended', lease })));
      for (const id of ids) ended.delete(id);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      deps.telemetry.warn('lease-end-not-written', { leases: ids.length, error: errorText(error) });
    }
  }

  /** Ends a lease in memory; a second call finds none. */
  function forget(id: LeaseId): boolean {
    const digests = ledger.state.leases.get(id);
    if (digests === undefined || !lastRenewed.delete(id)) return false;
    count(uses, digests, -1);
    ended.add(id);
    return true;
  }

  return {
    async grant(digests, also = []) {
      const id = LeaseId.parse(deps.random.id());
      // Counted before it is durable, so that nothing is evicted in between.
      count(uses, digests, 1);
      try {
        await ledger.commit([...also, { is: 'leased', lease: id, digests: [...digests] }]);
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
      await writeEnded();
      return true;
    },
    async endExpired() {
      const now = deps.time.elapsed();
      for (const [id, at] of lastRenewed) if (now - at >= config.leaseTtlMs) forget(id);
      await writeEnded();
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
