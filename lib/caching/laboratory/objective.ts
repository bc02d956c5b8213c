export const OBJECTIVES = ['object', 'byte', 'wait'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** How long a miss makes its caller wait. */
export interface MissWait {
  readonly latencySeconds: number;
  readonly bytesPerSecond: number;
}

/** Half a second to the first byte and 1.5 GB/s: an object store as one GPU host sees it. */
export const DEFAULT_MISS_WAIT: MissWait = { latencySeconds: 0.5, bytesPerSecond: 1.5e9 };

export function waitSeconds(bytes: number, wait: MissWait): number {
  return wait.latencySeconds + bytes / wait.bytesPerSecond;
}

const MISS_COST: Record<Objective, (bytes: number, wait: MissWait) => number> = {
  object: () => 1,
  byte: (bytes) => bytes,
  wait: waitSeconds,
};

/** What one miss costs in the unit of the objective: a count, bytes, or seconds. */
export function missCost(objective: Objective, bytes: number, wait: MissWait): number {
  return MISS_COST[objective](bytes, wait);
}
