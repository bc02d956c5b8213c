import { deadLetterQueues } from '../../functions/deadLetters.ts';
import type { Room } from '../../lib/operations/index.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import type { Stores } from '../stores.ts';
import { queueSources, schedules } from '../triggers.ts';
import type { PlaneReading, ProcessReading } from './planeFamilies.ts';

/** Two looks at SQLite. */
export function readPlane({ queues, scheduleLog }: Stores, now: EpochMs, room: Room): PlaneReading {
  return {
    now,
    queues: queues.counts(),
    workQueues: new Set(queueSources().map(({ trigger }) => trigger.queue)),
    deadLetterQueues: new Set(deadLetterQueues().map(({ queue }) => queue)),
    fired: new Map(schedules().map(({ name }) => [name, scheduleLog.lastFired(name)])),
    room,
  };
}

/** What the system says of this process. */
export function readProcess(): ProcessReading {
  const { user, system } = process.cpuUsage();
  return {
    startedAt: EpochMs.parse(Math.floor(performance.timeOrigin)),
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
  };
}
