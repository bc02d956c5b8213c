import { createEvictionPolicy } from '../../agent/nvme/evictionPolicy.ts';
import { Digest } from '../../lib/shared/ids.ts';
import { type ScaledTrace, waitAsDollars } from './replay.ts';

export interface DecisionTimes {
  readonly what: string;
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly meanUs: number;
  readonly residents: number;
}

/** What the agent's eviction policy takes for each access, for each choice of a victim, and for explaining that, without a disk. */
export function measureDecisions(trace: ScaledTrace): readonly DecisionTimes[] {
  const policy = createEvictionPolicy(waitAsDollars(trace), trace.capacityBytes);
  const resident = new Map<Digest, number>();
  const times: Record<'ask' | 'victim' | 'explain', number[]> = { ask: [], victim: [], explain: [] };
  const mayLeave = (digest: Digest) => resident.has(digest);
  function timed<T>(what: keyof typeof times, work: () => T): T {
    const began = process.hrtime.bigint();
    const answer = work();
    times[what].push(Number(process.hrtime.bigint() - began) / 1000);
    return answer;
  }
  let used = 0;
  const { batch, capacityBytes } = trace;
  for (let row = 0; row < batch.length; row += 1) {
    const bytes = batch.bytes[row] ?? 0;
    const digest = Digest.parse((batch.object[row] ?? 0).toString(16).padStart(64, '0'));
    timed('ask', () => policy.asked(digest, bytes));
    if (resident.has(digest) || bytes > capacityBytes) continue;
    while (used + bytes > capacityBytes) {
      const victim = timed('victim', () => policy.victim(mayLeave));
      if (victim === undefined) throw new RangeError('nothing may leave');
      timed('explain', () => policy.explain(victim, mayLeave, digest));
      used -= resident.get(victim) ?? 0;
      resident.delete(victim);
      policy.left(victim, true);
    }
    policy.entered(digest, bytes);
    resident.set(digest, bytes);
    used += bytes;
  }
  return Object.entries(times).map(([what, taken]) => ({ what, ...summary(taken), residents: resident.size }));
}

function summary(taken: readonly number[]): Pick<DecisionTimes, 'count' | 'p50Us' | 'p99Us' | 'meanUs'> {
  const sorted = taken.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
  const meanUs = taken.reduce((sum, us) => sum + us, 0) / taken.length;
  return { count: taken.length, p50Us: at(0.5), p99Us: at(0.99), meanUs };
}
