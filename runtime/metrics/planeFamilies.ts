import type { QueueCounts } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { counter, type Family, gauge, type Point } from '../../lib/shared/metricsText.ts';
import { type EpochMs, SECOND_MS } from '../../lib/shared/units.ts';

/** What stands in the data folder at one moment. */
export interface PlaneReading {
  readonly now: EpochMs;
  readonly queues: readonly QueueCounts[];
  /** Those that functions work off; the others are hosts' or of dead letters. */
  readonly workQueues: ReadonlySet<string>;
  readonly deadLetterQueues: ReadonlySet<string>;
  /** Undefined: never fired yet. */
  readonly fired: ReadonlyMap<string, EpochMs | undefined>;
  readonly room: { readonly totalBytes: number; readonly freeBytes: number };
}

/** What the process takes. */
export interface ProcessReading {
  readonly startedAt: EpochMs;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** Hosts come and go; their queues are told of together. */
const HOSTS = 'hosts';

export function planeFamilies(reading: PlaneReading): readonly Family[] {
  const { now, queues, room } = reading;
  const dead = queues.filter(({ queue }) => reading.deadLetterQueues.has(queue));
  const working = [
    ...queues.filter(({ queue }) => reading.workQueues.has(queue)),
    togetherOf(queues.filter(({ queue }) => !reading.workQueues.has(queue) && !reading.deadLetterQueues.has(queue))),
  ];
  return [
    gauge('strata_plane_queue_messages', 'Messages of functions and of hosts.', working.flatMap(statePoints)),
    gauge(
      'strata_plane_queue_oldest_seconds',
      'Since the oldest of those that are due or in hand was sent; 0: there is none.',
      working.map(({ queue, oldest }) => ({
        labels: { queue },
        value: oldest === undefined ? 0 : Math.max(0, now - oldest.sentAt) / SECOND_MS,
      })),
    ),
    gauge(
      'strata_plane_dead_letters',
      'Messages that failed for good: `strata dlq list`.',
      dead.map(({ queue, visible, inFlight }) => ({ labels: { queue }, value: visible + inFlight })),
    ),
    gauge(
      'strata_plane_schedule_fired_timestamp_seconds',
      'The latest moment of each schedule that is done, or that its function failed for good.',
      [...reading.fired].flatMap(([schedule, at]) =>
        at === undefined ? [] : [{ labels: { schedule }, value: at / SECOND_MS }],
      ),
    ),
    gauge('strata_plane_disk_bytes', 'Of the disk of the data folder.', [{ value: room.totalBytes }]),
    gauge('strata_plane_disk_free_bytes', 'What may still be written there.', [{ value: room.freeBytes }]),
  ];
}

export function processFamilies({ startedAt, cpuSeconds, residentBytes }: ProcessReading): readonly Family[] {
  return [
    counter('process_cpu_seconds', 'Of the plane, without its agents.', [{ value: cpuSeconds }]),
    gauge('process_resident_memory_bytes', 'Of the plane, without its agents.', [{ value: residentBytes }]),
    gauge('process_start_time_seconds', 'When counting began.', [{ value: startedAt / SECOND_MS }]),
  ];
}

function statePoints({ queue, visible, inFlight, delayed }: QueueCounts): readonly Point[] {
  return Object.entries({ waiting: visible, 'in-hand': inFlight, delayed }).map(([state, value]) => ({
    labels: { queue, state },
    value,
  }));
}

function togetherOf(queues: readonly QueueCounts[]): QueueCounts {
  const sum = (of: (one: QueueCounts) => number) => queues.reduce((all, one) => all + of(one), 0);
  const [first] = queues
    .flatMap(({ oldest }) => (oldest === undefined ? [] : [oldest]))
    .toSorted((a, b) => a.sentAt - b.sentAt);
  return {
    queue: HOSTS,
    deadLetterOf: [],
    visible: sum(({ visible }) => visible),
    inFlight: sum(({ inFlight }) => inFlight),
    delayed: sum(({ delayed }) => delayed),
    ...(first === undefined ? {} : { oldest: first }),
  };
}
