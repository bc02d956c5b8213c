/**
 * The plane of one simulated run: the embedded adapters in memory, and what a runtime does around the handlers. Each
 * invocation is an incarnation of its own, as a Lambda container is: it may crash at any port call, or stop for so long
 * that its messages are delivered again.
 */

import type { SQSEvent, SQSRecord } from 'aws-lambda';
import {
  type FunctionDeclaration,
  type ScheduleTime,
  type Trigger,
  visibilitySeconds,
} from '../../functions/shared/declaration.ts';
import { createContext } from '../../functions/shared/invocation.ts';
import type { FileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import type { SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { PortError } from '../../lib/shared/errors.ts';
import type { ReceivedMessage } from '../../lib/shared/ports/messageQueue.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import type { Faults } from './faults.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';
import { lateStart, stall } from './stalls.ts';
import type { Counters } from './invariants.ts';

/** A function under simulation: its declaration, and its handler made for one incarnation. */
export interface SimulatedFunction {
  readonly declaration: FunctionDeclaration;
  readonly create: (
    incarnation: Incarnation,
  ) => (event: unknown, context: ReturnType<typeof createContext>) => Promise<unknown>;
}

export interface HttpCall {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly callerArn?: string;
}

type QueueTrigger = Extract<Trigger, { kind: 'queue' }>;

interface Mapping {
  readonly target: SimulatedFunction;
  readonly trigger: QueueTrigger;
  inFlight: number;
  /** When its earliest message is visible; undefined after a change of the queue, until it is asked for again. */
  visibleAt: number | undefined;
}

interface Schedule {
  readonly target: SimulatedFunction;
  readonly name: string;
  readonly at: ScheduleTime;
  next: number;
}

export interface PlaneOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly rng: Rng;
  readonly queues: SqliteQueues;
  readonly objects: FileObjectStore;
  readonly functions: readonly SimulatedFunction[];
  /** When the earliest message of a queue is visible; infinite for an empty one. */
  readonly earliestVisible: (queue: string) => number;
  /** Has what was received and not handled come back so many times sooner. */
  readonly comeSooner: (times: number) => void;
}

const LONGEST_DELAY_S = 120;
/** How many times faster the time passes for which a message of a lost call stays invisible, where runs are in a hurry. */
const HURRY = 10;
/** Without faults nothing waits for these: they show what they do while there are faults. What is to be sealed is sealed in the end. */
const CALM_PAUSES_MS: Readonly<Record<string, number>> = {
  sweep: 59 * MINUTE_MS,
  'refresh-prices': 59 * MINUTE_MS,
  'seal-audit': 29 * MINUTE_MS,
  // What a lost notification or message left waits for it alone, time after time.
  'reconcile-uploads': 0,
};
/** Without faults schedules fire five times less often, and up to twenty times less the longer it lasts: what only waits for a timeout costs little then. */
const calmPauseMs = (schedule: string, lastedMs: number): number =>
  CALM_PAUSES_MS[schedule] ?? Math.max(4 * MINUTE_MS, Math.min(19 * MINUTE_MS, Math.floor((lastedMs * 2) / 3)));

type TriggerKind = 'queue' | 'schedule' | 'stream' | 'route' | 'call';

export class Plane {
  /** Events that functions were invoked with: each message of a queue, each moment of a schedule, batch of the stream, HTTP request and call. */
  deliveries = 0;
  /** Those of them that were messages of queues. */
  messages = 0;
  /** Whether something changed since the last `dispatch`; `notified` whether the bucket did. */
  private dirty = true;
  private notified = true;
  /** Partitions of the outbox that got rows since the relay was last woken. */
  private readonly freshOutbox = new Set<string>();
  private nextDue = 0;
  private invocations = 0;
  private relaying = 0;
  private readonly options: PlaneOptions;
  private readonly mappings: Mapping[] = [];
  private readonly schedules: Schedule[] = [];
  private readonly relay: SimulatedFunction | undefined;
  private readonly ends = new Map<Incarnation, () => void>();
  private hurried = false;

  constructor(options: PlaneOptions) {
    this.options = options;
    for (const target of options.functions) {
      for (const trigger of target.declaration.triggers) {
        if (trigger.kind === 'queue') this.mappings.push({ target, trigger, inFlight: 0, visibleAt: undefined });
        if (trigger.kind === 'schedule') {
          const next = nextFiring(trigger.at, options.scheduler.now);
          this.schedules.push({ target, name: trigger.schedule, at: trigger.at, next });
        }
        if (trigger.kind === 'outbox-stream') this.relay = target;
      }
    }
  }

  queueChanged(queue: string): void {
    const mapping = this.mappings.find(({ trigger }) => trigger.queue === queue);
    if (mapping === undefined) return;
    mapping.visibleAt = undefined;
    this.dirty = true;
  }

  bucketChanged(): void {
    this.notified = true;
    this.dirty = true;
  }

  outboxWritten(partition: string): void {
    this.freshOutbox.add(partition);
    this.dirty = true;
  }

  /** Starts whatever its triggers ask for now. Called between any two steps. */
  dispatch(): void {
    const { scheduler } = this.options;
    if (!this.dirty && scheduler.now < this.nextDue) return;
    this.dirty = false;
    if (this.notified) this.routeNotifications();
    this.fireSchedules();
    this.wakeRelay();
    this.pollQueues();
  }

  /** Has a schedule fire now instead of at its next moment. */
  fireNow(name: string): void {
    for (const schedule of this.schedules)
      if (schedule.name === name) schedule.next = Math.min(schedule.next, this.options.scheduler.now);
    this.dirty = true;
  }

  /** When `dispatch` has something to do although nothing happens meanwhile. */
  wakeAt(): number {
    return this.nextDue;
  }

  crashed(incarnation: Incarnation): void {
    const end = this.ends.get(incarnation);
    this.ends.delete(incarnation);
    end?.();
    this.dirty = true;
  }

  /**
   * From now on nothing fails. What was delivered and neither handled nor refused stays invisible for six time limits of its function, up to 42
   * minutes in which nothing else happens. In a hurry they pass faster, in the same order: a call that stopped still goes on after another
   * took its message.
   */
  calmDown(inHurry: boolean): void {
    const { scheduler, comeSooner } = this.options;
    this.hurried = inHurry;
    if (!inHurry) return;
    comeSooner(HURRY);
    const sooner = (moment: number) => scheduler.now + Math.ceil(Math.max(0, moment - scheduler.now) / HURRY);
    for (const incarnation of this.ends.keys()) {
      incarnation.pausedUntil = sooner(incarnation.pausedUntil);
      incarnation.readsAnsweredAt = sooner(incarnation.readsAnsweredAt);
    }
    for (const mapping of this.mappings) mapping.visibleAt = undefined;
    for (const schedule of this.schedules) {
      const pauseMs = CALM_PAUSES_MS[schedule.name];
      if (pauseMs !== undefined) schedule.next = nextFiring(schedule.at, scheduler.now + pauseMs);
    }
    this.dirty = true;
  }

  /** No call lives for hours: what is under way dies, and its messages come back. */
  endCalls(): void {
    for (const incarnation of this.ends.keys()) this.options.scheduler.crash(incarnation);
  }

  /** Faults begin again: schedules come as often as they are declared, however rare they had become. */
  stirUp(): void {
    const { scheduler } = this.options;
    for (const schedule of this.schedules)
      schedule.next = Math.min(schedule.next, nextFiring(schedule.at, scheduler.now));
    this.dirty = true;
  }

  /** Calls the function behind a route; rejects with `unavailable` when the invocation dies. */
  call(route: HttpCall): Promise<{ readonly statusCode: number; readonly body: string }> {
    const target = this.options.functions.find(({ declaration }) =>
      declaration.triggers.some(
        (trigger) =>
          trigger.kind === 'http' &&
          trigger.routes.some(({ path, method }) => path === route.path && method === route.method),
      ),
    );
    if (target === undefined) throw new Error(`No function answers ${route.method} ${route.path}.`);
    return new Promise((resolve, reject) => {
      const lost = () =>
        reject(
          new PortError({ code: 'unavailable', message: `${route.path}: no answer. Try again.`, retryable: true }),
        );
      this.delivered('route');
      this.invoke(
        target,
        httpEnvelope(route),
        (answer) => {
          if (isHttpResult(answer)) resolve(answer);
          else reject(new Error(`${route.path} answered no HTTP result.`));
        },
        lost,
      );
    });
  }

  /** Calls a function by its name; rejects with `unavailable` when the invocation dies or throws. */
  callFunction(name: string, event: unknown): Promise<unknown> {
    const target = this.options.functions.find(({ declaration }) => declaration.name === name);
    if (target === undefined) throw new Error(`No function is called ${name}.`);
    return new Promise((resolve, reject) => {
      this.delivered('call');
      this.invoke(target, event, resolve, () =>
        reject(new PortError({ code: 'unavailable', message: `${name}: no answer. Try again.`, retryable: true })),
      );
    });
  }

  private routeNotifications(): void {
    const { objects, faults, rng, queues } = this.options;
    this.notified = false;
    for (const { id, event } of objects.notifications(100)) {
      objects.delivered(id);
      const notification = JSON.parse(event) as Notification;
      const mapping = this.mappings.find(({ trigger }) => matches(trigger, notification));
      if (mapping === undefined) continue;

      if (faults.happens('lost-notification')) continue;
      const copies = faults.happens('duplicate-delivery') ? 1 + rng.below(3) : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        const delaySeconds = faults.happens('reordered-delivery') ? rng.below(LONGEST_DELAY_S) : 0;
        void queues.send(mapping.trigger.queue, [{ body: event, delaySeconds }]);
      }
    }
  }

  private fireSchedules(): void {
    const { scheduler, faults, counters } = this.options;
    for (const schedule of this.schedules) {
      if (schedule.next > scheduler.now) continue;
      // After days without a runtime it fires once, for the latest moment that it missed.
      const latest = lastFiring(schedule.at, schedule.next, scheduler.now);
      const scheduledTime = new Date(latest).toISOString();
      const times = faults.happens('duplicate-delivery') ? 2 : 1;
      for (let time = 0; time < times; time += 1) {
        this.delivered('schedule');
        this.invoke(
          schedule.target,
          { schedule: schedule.name, scheduledTime },
          () => {},
          () => {},
        );
      }
      counters.count(`schedule ${schedule.name}`);
      const pauseMs = faults.enabled ? 0 : calmPauseMs(schedule.name, scheduler.now - faults.endedAt);
      schedule.next = nextFiring(schedule.at, scheduler.now + pauseMs);
    }
  }

  private wakeRelay(): void {
    if (this.relay === undefined || this.freshOutbox.size === 0 || this.relaying >= 2) return;
    const partitions = [...this.freshOutbox];
    this.freshOutbox.clear();
    // A stream may be late; the relay's schedule is the guarantee.
    if (this.options.faults.enabled && this.options.rng.chance(0.2)) return;
    this.relaying += 1;
    const end = () => {
      this.relaying -= 1;
    };
    const Records = partitions.map((pk) => ({
      eventName: 'INSERT',
      dynamodb: { Keys: { pk: { S: pk }, sk: { S: '' } } },
    }));
    this.delivered('stream');
    this.invoke(this.relay, { Records }, end, end);
  }

  private pollQueues(): void {
    const { scheduler, earliestVisible } = this.options;
    let due = Number.POSITIVE_INFINITY;
    for (const mapping of this.mappings) {
      mapping.visibleAt ??= earliestVisible(mapping.trigger.queue);
      if (mapping.visibleAt > scheduler.now) due = Math.min(due, mapping.visibleAt);
      else if (mapping.inFlight < mapping.trigger.maxConcurrency) this.deliver(mapping);
    }
    for (const { next } of this.schedules) due = Math.min(due, next);
    this.nextDue = due;
  }

  private deliver(mapping: Mapping): void {
    const { queues, rng, faults, counters } = this.options;
    const { queue, batchSize } = mapping.trigger;
    const visibility = visibilitySeconds(mapping.target.declaration);
    mapping.inFlight += 1;
    const end = () => {
      mapping.inFlight -= 1;
      this.dirty = true;
    };
    const receive = async () => {
      const messages = await queues.receive(queue, 1 + rng.below(Math.min(batchSize, 10)), 0, visibility);
      if (messages.length === 0) {
        end();
        return;
      }
      const finished = async (answer: unknown) => {
        const failed = failedItems(answer);
        for (const message of messages) {
          // What failed comes again when its function has said so, else when its visibility ends.
          if (failed.has(message.messageId)) continue;
          if (!faults.happens('duplicate-delivery')) await queues.remove(queue, message.receiptHandle);
        }
        end();
      };
      const lost = () => {
        end();
        if (!this.hurried || faults.enabled) return;
        const seconds = Math.ceil(visibility / HURRY);
        for (const { receiptHandle } of messages) void queues.changeVisibility(queue, receiptHandle, seconds);
      };
      this.delivered('queue', messages.length);
      counters.count(`delivered ${queue}`);
      const delivery = Math.max(...messages.map(({ receiveCount }) => receiveCount));
      this.invoke(mapping.target, sqsEnvelope(queue, messages), (answer) => void finished(answer), lost, delivery);
    };
    void receive();
  }

  private delivered(by: TriggerKind, events = 1): void {
    this.deliveries += events;
    if (by === 'queue') this.messages += events;
    this.options.counters.count(`deliveries by ${by}`, events);
  }

  private invoke(
    target: SimulatedFunction,
    event: unknown,
    done: (answer: unknown) => void,
    lost: () => void,
    delivery = 1,
  ): void {
    const { scheduler, faults, rng } = this.options;
    this.invocations += 1;
    const { name, timeoutSeconds } = target.declaration;
    const incarnation = scheduler.incarnation(`${name}#${this.invocations}`);
    const started = scheduler.now;
    const context = createContext({
      functionName: name,
      requestId: incarnation.name,
      remainingMs: () => timeoutSeconds * SECOND_MS - (scheduler.now - started),
    });
    this.ends.set(incarnation, lost);
    if (faults.happens('clock-jump')) incarnation.skewMs = (rng.number() - 0.5) * 2 * HOUR_MS;
    stall(this.options, incarnation, target.declaration, delivery);
    scheduler.spawn(incarnation, async () => {
      await scheduler.park(incarnation, `${name} starts`);
      await lateStart(this.options, incarnation, 'schedule' in Object(event) ? 0.3 : 0.03);
      let answer: unknown;
      let failed = false;
      try {
        answer = await target.create(incarnation)(event, context);
      } catch {
        failed = true;
      }
      if (!this.ends.delete(incarnation)) return;
      this.dirty = true;
      if (failed) lost();
      else done(answer);
    });
  }
}

function sqsEnvelope(queue: string, messages: readonly ReceivedMessage[]): SQSEvent {
  const record = ({ messageId, receiptHandle, body, receiveCount }: ReceivedMessage): SQSRecord => ({
    messageId,
    receiptHandle,
    body,
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: '0',
      SenderId: 'simulation',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:local:000000000000:${queue}`,
    awsRegion: 'local',
  });
  return { Records: messages.map(record) };
}

function httpEnvelope({ method, path, body, callerArn }: HttpCall): unknown {
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      http: { method, path },
      ...(callerArn === undefined ? {} : { authorizer: { iam: { userArn: callerArn } } }),
    },
    body,
    isBase64Encoded: false,
  };
}

function isHttpResult(answer: unknown): answer is { readonly statusCode: number; readonly body: string } {
  return typeof answer === 'object' && answer !== null && 'statusCode' in answer && 'body' in answer;
}

function failedItems(answer: unknown): ReadonlySet<string> {
  const failures =
    (answer as { batchItemFailures?: { itemIdentifier: string }[] } | undefined)?.batchItemFailures ?? [];
  return new Set(failures.map(({ itemIdentifier }) => itemIdentifier));
}

interface Notification {
  readonly 'detail-type': string;
  readonly detail: { readonly object: { readonly key: string } };
}

function matches({ objectEvents }: QueueTrigger, { detail, 'detail-type': type }: Notification): boolean {
  if (objectEvents === undefined || !detail.object.key.startsWith(objectEvents.keyPrefix)) return false;
  return objectEvents.detailTypes.some((known) => known === type);
}

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function lastFiring(time: ScheduleTime, first: number, now: number): number {
  if ('everyMinutes' in time) return Math.max(first, nextFiring(time, now) - time.everyMinutes * MINUTE_MS);
  for (let moment = first; ; ) {
    const next = nextFiring(time, moment);
    if (next > now) return moment;
    moment = next;
  }
}

/** The first moment after `after` that the schedule names. */
export function nextFiring(time: ScheduleTime, after: number): number {
  const clock = (text: string): number => {
    const [hours, minutes] = text.split(':').map(Number);
    return hours! * HOUR_MS + minutes! * MINUTE_MS;
  };
  if ('everyMinutes' in time) {
    const every = time.everyMinutes * MINUTE_MS;
    return (Math.floor(after / every) + 1) * every;
  }
  for (let day = Math.floor(after / DAY_MS); ; day += 1) {
    const date = new Date(day * DAY_MS);
    const fits =
      'dailyUtc' in time ||
      ('weeklyUtc' in time && DAYS[date.getUTCDay()] === time.weeklyUtc.day) ||
      ('monthlyUtc' in time && date.getUTCDate() === time.monthlyUtc.day);
    const at = 'dailyUtc' in time ? time.dailyUtc : 'weeklyUtc' in time ? time.weeklyUtc.at : time.monthlyUtc.at;
    const moment = day * DAY_MS + clock(at);
    if (fits && moment > after) return moment;
  }
}
