import type { Clock } from '../../shared/ports/clock.ts';
import { EpochMs } from '../../shared/units.ts';

export const systemClock: Clock = {
  now: () => EpochMs.parse(Date.now()),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
