import { deadLetterQueues } from '../functions/deadLetters.ts';
import { createHandlers } from '../functions/handlers.ts';
import { FUNCTIONS } from '../functions/index.ts';
import type { FunctionDeps, Settings } from '../functions/shared/deps.ts';
import type { RestoreDelays } from '../lib/adapters/embedded/objectRestores.ts';
import type { FileObjectStore } from '../lib/adapters/embedded/fileObjectStore.ts';
import { newSecret, writeSecretFile } from '../lib/adapters/embedded/secretFile.ts';
import type { SqliteQueues } from '../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../lib/adapters/node/systemClock.ts';
import { volumeSpace } from '../lib/adapters/node/volumeSpace.ts';
import { createDeadLetters, createOperations, type DeadLetters, type Operations } from '../lib/operations/index.ts';
import type { PriceLists } from '../lib/pricing/index.ts';
import { keepOwnBook } from '../lib/priceBooks/index.ts';
import { EXPIRY_LIMITS } from '../lib/expiry/index.ts';
import { RESTORE_LIMITS } from '../lib/restores/index.ts';
import { OPEN_POLICY, SCANNER } from '../lib/scanning/index.ts';
import { PortError } from '../lib/shared/errors.ts';
import { PART_SIZE } from '../lib/shared/digest.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { DAY_MS, DurationMs, GIB, HOUR_MS, SECOND_MS } from '../lib/shared/units.ts';
import { TIER_SETTINGS } from '../lib/tiering/index.ts';
import type { DataFolder } from './dataFolder.ts';
import { type Endpoint, serveEndpoint } from './endpoint.ts';
import { createInvoker, type Invoker } from './invoker.ts';
import { type Loop, startLoop } from './loop.ts';
import { createMetricTally } from './metrics/metricTally.ts';
import { meteredInvoker } from './metrics/meteredInvoker.ts';
import { planeFamilies, processFamilies } from './metrics/planeFamilies.ts';
import { readPlane, readProcess } from './metrics/readPlane.ts';
import { routeNotifications } from './objectRouter.ts';
import type { OperatorEndpointDeps } from './operatorEndpoint.ts';
import { createOutboxStream, type OutboxStream } from './outboxStream.ts';
import type { BodyLimits } from './requestBody.ts';
import { startQueueSource } from './queueSource.ts';
import { createSchedules } from './schedules.ts';
import { openStores, type Stores } from './stores.ts';
import { httpRoutes, queueSources, reportQueues, schedules } from './triggers.ts';
import { embeddedWorkQueues } from './workQueues.ts';

/*
 * The whole control plane in one process, on one folder: the functions behind the triggers that they declare, SQLite and
 * files behind the ports, and one loopback endpoint. Life: stores open → endpoint listens → triggers run → stop (endpoint
 * closes, triggers end what they began, stores close). Killed at any point, the next start goes on from the folder.
 */

export interface EmbeddedRuntime {
  readonly url: string;
  readonly operatorToken: string;
  readonly deps: FunctionDeps;
  readonly operations: Operations;
  readonly objects: FileObjectStore;
  readonly queues: SqliteQueues;
  readonly invoker: Invoker;
  stop(): Promise<void>;
}

export interface EmbeddedRuntimeOptions {
  readonly folder: DataFolder;
  readonly port: number;
  readonly telemetry: Telemetry;
  readonly clock?: Clock;
  readonly settings?: Partial<Settings>;
  /** How long restores of archived objects take here. */
  readonly restoreDelays?: RestoreDelays;
  /** Where prices are read every day; absent: nowhere. */
  readonly priceLists?: PriceLists;
  readonly onUploaded?: OperatorEndpointDeps['onUploaded'];
  readonly bodyLimits?: BodyLimits;
}

const SETTINGS: Omit<Settings, 'storeClasses'> = {
  region: 'local',
  priceRegion: 'us-east-1',
  partSize: PART_SIZE,
  maxUploadBytes: 2_000 * GIB,
  scanPolicy: OPEN_POLICY,
  heartbeatSeconds: 10,
  silentAfterMs: 60 * SECOND_MS,
  commandTtlMs: 6 * HOUR_MS,
  // Without IAM nobody has such an identity: hosts join by token.
  agentRoleArns: [],
  tierSweep: 'on',
  tierPolicy: 'rules',
  ...TIER_SETTINGS,
  sweepBudgetUsd: 1_000,
  sweepMostMoves: 1_000_000,
  ...EXPIRY_LIMITS,
  ...RESTORE_LIMITS,
  placementPolicy: 'subscriptions',
  sweepInventoryFrom: 10_000_000,
  orphanSweep: 'on',
  orphanGraceMs: DurationMs.parse(7 * DAY_MS),
  uploadSweep: 'on',
  uploadGraceMs: DurationMs.parse(7 * DAY_MS),
  refusedKeepMs: DurationMs.parse(90 * DAY_MS),
  auditRetentionMs: DurationMs.parse(2557 * DAY_MS),
};

/** What `reportFailure` counts. */
const FAILURES = FUNCTIONS.flatMap(({ name }) =>
  ['retryable', 'final'].map((kind) => ({ name: 'Failures', dimensions: { function: name, kind } })),
);

const IDLE_MS = { router: 1_000, stream: 60_000, schedules: 500, restores: 1_000, housekeeping: HOUR_MS };

export async function startEmbeddedRuntime(options: EmbeddedRuntimeOptions): Promise<EmbeddedRuntime> {
  const { folder, clock = systemClock } = options;
  const tally = createMetricTally(options.telemetry, FAILURES);
  const { telemetry } = tally;
  const configured = { ...SETTINGS, ...options.settings };
  const loops: Record<string, Loop> = {};
  const wake = (name: string) => () => loops[name]?.wake();
  const stores = await openStores({
    folder,
    clock,
    ...configured,
    ...(options.restoreDelays === undefined ? {} : { restoreDelays: options.restoreDelays }),
    onNotification: wake('router'),
  });
  const stream = createOutboxStream(stores.catalog, wake('stream'));
  const { queues, objects, seals, tokens, commandKeys } = stores;
  const settings: Settings = { ...configured, storeClasses: objects.classes };
  const catalog = stream.catalog;
  const ports = {
    clock,
    random: nodeRandom,
    telemetry,
    catalog,
    objects,
    seals,
    scanner: SCANNER,
    sender: queues,
    messages: queues,
    queues,
  };
  const deps: FunctionDeps = {
    ...ports,
    commandKeys,
    hostCredentials: tokens,
    priceLists: options.priceLists,
    settings,
  };
  const handlers = createHandlers(deps);
  const plain = createInvoker({ functions: FUNCTIONS, handlers, clock, random: nodeRandom });
  const invoker = meteredInvoker(
    plain,
    FUNCTIONS.map(({ name }) => name),
  );

  const room = () => volumeSpace(folder.path);
  const deadLetters = embeddedDeadLetters(clock, queues, invoker);
  const operations = createOperations({
    ...deps,
    deadLetters,
    workQueues: () => embeddedWorkQueues(queues),
    configured: settings,
    room,
  });
  const watch = {
    clock,
    doctor: async () => (await operations.doctor({})).items,
    counted: () => [...invoker.families(), ...tally.families(), ...processFamilies(readProcess())],
    standing: async () => planeFamilies(readPlane(stores, clock.now(), await room())),
  };
  const operator = { token: newSecret(), objects, operations };
  const told = options.onUploaded === undefined ? {} : { onUploaded: options.onUploaded };
  let endpoint: Endpoint;
  try {
    if (settings.ownBook !== undefined) await keepOwnBook(catalog, settings.ownBook);
    const agent = { tokens, queues, objects, reportQueues: new Set(reportQueues()) };
    const called = { agent, operator: { ...operator, ...told }, watch, routes: httpRoutes(), invoker, telemetry };
    endpoint = await serveEndpoint(called, options.port, options.bodyLimits);
  } catch (error) {
    stores.close();
    throw error;
  }
  const { url } = endpoint;
  writeSecretFile(folder.at('operator.json'), `${JSON.stringify({ endpoint: url, token: operator.token })}\n`);
  const triggers = startTriggers({ stores, stream, invoker, clock, telemetry }, loops);

  return {
    url,
    operatorToken: operator.token,
    deps,
    operations,
    objects,
    queues,
    invoker,
    async stop() {
      await endpoint.close();
      await triggers.stop();
      stores.close();
    },
  };
}

function embeddedDeadLetters(clock: Clock, queues: SqliteQueues, invoker: Invoker): DeadLetters {
  const declared = deadLetterQueues();
  return createDeadLetters({
    clock,
    declared,
    receiver: queues,
    sender: queues,
    waitSeconds: 0,
    count: async (queue) => queues.count(queue),
    async call(name, event) {
      const called = FUNCTIONS.find((declaration) => declaration.name === name);
      if (called === undefined) throw new TypeError(`There is no function ${name}.`);
      const { outcome } = await invoker.invoke(called.name, JSON.parse(event));
      if (outcome === 'answered') return;
      const message = `${name} ${outcome === 'failed' ? 'failed again' : 'ran out of time'}; see the log.`;
      throw new PortError({ code: 'unavailable', message, retryable: true });
    },
  });
}

interface TriggerDeps {
  readonly stores: Stores;
  readonly stream: OutboxStream;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Starts whatever calls functions; `loops` learns those that can be woken, by name. */
function startTriggers(deps: TriggerDeps, loops: Record<string, Loop>): { stop(): Promise<void> } {
  const { stores, invoker, clock, telemetry } = deps;
  const { catalog, objects, queues, seals } = stores;
  const start = (name: keyof typeof IDLE_MS, work: () => Promise<void>) => {
    loops[name] = startLoop(telemetry, name, IDLE_MS[name], work);
  };
  const routed = queueSources().map(({ trigger }) => trigger);
  start('router', () => routeNotifications(objects, queues, routed));
  start('stream', () => deps.stream.deliver(invoker, queues));
  const { scheduleLog: log } = stores;
  start('schedules', createSchedules({ invoker, log, sender: queues, clock, telemetry }, schedules()));
  start('restores', async () => objects.tellRestores());
  start('housekeeping', async () => {
    catalog.dropExpired(clock.now());
    queues.dropExpired();
    // Nobody listens to the bucket of seals.
    for (const { id } of seals.notifications(1000)) seals.delivered(id);
  });
  const sources = queueSources().map((source) => startQueueSource({ queues, invoker, clock, telemetry }, source));
  return {
    async stop() {
      await Promise.all([...Object.values(loops), ...sources].map((part) => part.stop()));
    },
  };
}
