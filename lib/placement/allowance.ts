import { billedBytes, earlyDeletionUsd, moveUsd, readUsd, storageUsd } from './bill.ts';
import type { ClassRates } from './rates.ts';
import { switchUsd } from './dollarPolicy.ts';
import { chooseRestore, type Waiting } from './restore.ts';

/**
 * What may be risked on learned forecasts: at every moment the dollars spent stay below `1 + part` times those of Intelligent-Tiering
 * for the same reads, whatever the reads do. Spending is compared with a shadow of Intelligent-Tiering, whose dollars are known exactly
 * because it decides nothing. An object may leave Intelligent-Tiering only while the allowance covers its *exposure*: the most that it
 * can lose against the shadow before it is back. Savings enlarge the allowance.
 *
 * The idea is that of conservative bandits (Wu, Shariff, Lattimore, Szepesvári: Conservative Bandits, ICML 2016).
 */
export class Allowance {
  private spentUsd = 0;
  private shadowUsd = 0;
  private exposedUsd = 0;
  private readonly part: number;

  constructor(part: number) {
    this.part = part;
  }

  /** Dollars that can still be put at risk. */
  slackUsd(): number {
    return this.part * this.shadowUsd - (this.spentUsd - this.shadowUsd) - this.exposedUsd;
  }

  expose(fromUsd: number, toUsd: number): void {
    this.exposedUsd += toUsd - fromUsd;
  }

  record(spentUsd: number, shadowUsd: number): void {
    this.spentUsd += spentUsd;
    this.shadowUsd += shadowUsd;
  }
}

/**
 * Reads between two sweeps that an exposure covers. More than one: what was not read for long is often read several times on the day that it is
 * wanted again, and until the next sweep each of them pays retrieval.
 */
export const READS_COVERED = 3;

/** Where an object stands against its shadow in Intelligent-Tiering. */
export interface Exposed {
  readonly bytes: number;
  readonly heldMs: number;
  /** Idle time of the object in its class, and of its shadow. */
  readonly idleMs: number;
  readonly shadowIdleMs: number;
}

/**
 * The most that an object can still lose against its shadow if it goes back to Intelligent-Tiering at the next occasion. Where the
 * class is no dearer than the shadow's floor, waiting never loses, and the occasion is the next read. Elsewhere it is the next
 * sweep, and entering Intelligent-Tiering starts its idle clock anew while the shadow's goes on. After reads, `reads` of them at
 * most, its bytes are copied by the next sweep.
 */
export function exposureUsd(
  one: ClassRates,
  home: ClassRates,
  at: Exposed,
  stepMs: number,
  waiting: Waiting,
  reads: number = READS_COVERED,
): number {
  if (one === home) return Math.max(0, clockLagUsd(home, at.bytes, at.idleMs, at.shadowIdleMs));
  const restore = one.instant ? undefined : chooseRestore(one, at.bytes, waiting);
  const standardCopyUsd = one.instant ? 0 : home.usdPerByteMs * at.bytes * stepMs;
  // The restored copy of an archived object answers further reads.
  const feeUsd = restore
    ? reads * one.getUsd + restore.feeUsd + restore.waitingUsd + standardCopyUsd
    : reads * readUsd(one, at.bytes);
  // Until then the shadow's idle clock runs.
  const lagUsd = clockLagUsd(home, at.bytes, 0, stepMs);
  const byReadUsd = feeUsd + lagUsd + moveUsd(one, home, at.bytes, 'copy') + earlyDeletionUsd(one, at.bytes, at.heldMs);
  if (waitingNeverLoses(one, home, at.bytes)) return byReadUsd;
  const rentUsd = storageUsd(one, at.bytes, stepMs);
  const standing = { bytes: at.bytes, heldMs: at.heldMs, idleMs: at.idleMs };
  const bySweepUsd = switchUsd(one, home, standing) + clockLagUsd(home, at.bytes, 0, at.shadowIdleMs + stepMs);
  return rentUsd + Math.max(byReadUsd, bySweepUsd);
}

/** Whether a class is never dearer per idle time than Intelligent-Tiering, so that staying there needs no allowance. */
export function waitingNeverLoses(one: ClassRates, home: ClassRates, bytes: number): boolean {
  if (one === home) return true;
  const floorUsd = storageUsd(home, bytes, 1, home.autoTiering?.steps.at(-1)?.afterIdleMs ?? 0);
  return billedBytes(one, bytes) * one.usdPerByteMs + one.overheadUsdPerMs <= floorUsd;
}

/** What an idle clock at `idleMs` costs more, from now on, than one at `shadowIdleMs`. */
function clockLagUsd(home: ClassRates, bytes: number, idleMs: number, shadowIdleMs: number): number {
  const untilMs = home.autoTiering?.steps.at(-1)?.afterIdleMs ?? 0;
  return storageUsd(home, bytes, untilMs, idleMs) - storageUsd(home, bytes, untilMs, shadowIdleMs);
}
