import type { Eviction, Host } from '../catalog/index.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';

/** What a placement for savings is judged over, and so the shortest time until the next one of what left without a use. */
const FIRST_PAUSE_MS = DAY_MS;
const LONGEST_PAUSE_MS = 32 * DAY_MS;

export interface EvictionFacts {
  /** The time before, where it is remembered. */
  readonly before: Pick<Eviction, 'uses' | 'rounds' | 'expiresAt'> | undefined;
  /** By the host's count; each fetch is one. */
  readonly uses: number;
  /** A process has asked for the bytes that have left: no placement had fetched them. */
  readonly asked: boolean;
}

/**
 * For how long a blob that a host has let go of by itself is not fetched there for savings: its own word is that it was worth less than what
 * stayed. The pause doubles each time that it left without a use since the time before (docs/adr/0023); that is forgotten 32 days after its end.
 */
export function decidePause(
  { asked, before, uses }: EvictionFacts,
  now: EpochMs,
): Pick<Eviction, 'uses' | 'rounds' | 'pausedUntil' | 'expiresAt'> {
  const inARow = !asked && before !== undefined && now < before.expiresAt && uses <= before.uses + 1;
  const rounds = inARow ? before.rounds + 1 : 1;
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (rounds - 1), LONGEST_PAUSE_MS);
  const pausedUntil = EpochMs.parse(now + pauseMs);
  return { uses, rounds, pausedUntil, expiresAt: EpochMs.parse(pausedUntil + LONGEST_PAUSE_MS) };
}

/** Whether the host's word still holds: not for more room than it had. */
export function isPaused(
  { capacityBytes, pausedUntil }: Pick<Eviction, 'capacityBytes' | 'pausedUntil'>,
  host: Pick<Host, 'capacityBytes'>,
  now: EpochMs,
): boolean {
  return now < pausedUntil && host.capacityBytes <= capacityBytes;
}
