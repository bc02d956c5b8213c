import type { DatabaseSync } from 'node:sqlite';
import { createHandlers } from '../functions/handlers.ts';
import { FUNCTIONS } from '../functions/index.ts';
import type { FunctionDeps, Settings } from '../functions/shared/deps.ts';
import { createFileCommandKeys } from '../lib/adapters/embedded/fileCommandKeys.ts';
import { createFileObjectStore, type FileObjectStore } from '../lib/adapters/embedded/fileObjectStore.ts';
import { createHostTokens } from '../lib/adapters/embedded/hostTokens.ts';
import { createScheduleLog } from '../lib/adapters/embedded/scheduleLog.ts';
import { newSecret, readSecretFile, writeSecretFile } from '../lib/adapters/embedded/secretFile.ts';
import { createSqliteDeadLetters, DEAD_LETTER_SUFFIX } from '../lib/adapters/embedded/sqliteDeadLetters.ts';
import { openDatabase } from '../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues, type SqliteQueues } from '../lib/adapters/embedded/sqliteQueues.ts';
import { createNodeDisk } from '../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../lib/adapters/node/systemClock.ts';
import { createOperations, type Operations } from '../lib/operations/index.ts';
import { PART_SIZE } from '../lib/shared/digest.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { GIB, HOUR_MS, SECOND_MS } from '../lib/shared/units.ts';
import type { DataFolder } from './dataFolder.ts';
import { type Endpoint, serveEndpoint } from './endpoint.ts';
import { createInvoker, type Invoker } from './invoker.ts';
import { type Loop, startLoop } from './loop.ts';
import { routeNotifications } from './objectRouter.ts';
import type { OperatorEndpointDeps } from './operatorEndpoint.ts';
import { createOutboxStream } from './outboxStream.ts';
import { startQueueSource } from './queueSource.ts';
import { fireDue } from './schedules.ts';
import { httpRoutes, queueSources, reportQueues, schedules } from './triggers.ts';

/*
 * The whole control plane in one process, on one folder: the functions behind the triggers that they declare, SQLite and
 * files behind the ports, and one loopback endpoint. Life: stores open → endpoint listens → triggers run → stop (triggers
 * end what they began, endpoint closes, stores close). Killed at any point, the next start goes on from the folder.
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
  readonly onUploaded?: OperatorEndpointDeps['onUploaded'];
}

const SETTINGS: Settings = {
  region: 'local',
  partSize: PART_SIZE,
  maxUploadBytes: 2_000 * GIB,
  heartbeatSeconds: 10,
  silentAfterMs: 60 * SECOND_MS,
  commandTtlMs: 6 * HOUR_MS,
};

const HOST_DEAD_LETTERS = `hosts${DEAD_LETTER_SUFFIX}`;
/** A command that a living agent could not finish in so many deliveries is for a person to look at. */
const HOST_RECEIVES = 5;

const IDLE_MS = { router: 1_000, stream: 60_000, schedules: 500, housekeeping: HOUR_MS };

export async function startEmbeddedRuntime(options: EmbeddedRuntimeOptions): Promise<EmbeddedRuntime> {
  const { folder, telemetry, clock = systemClock } = options;
  const databases: DatabaseSync[] = [];
  const open = (name: string): DatabaseSync => {
    const database = openDatabase(folder.at(`${name}.db`));
    databases.push(database);
    return database;
  };

  const loops: Record<string, Loop> = {};
  const settings = { ...SETTINGS, ...options.settings };
  const store = createSqliteCatalogStore(open('catalog'));
  const stream = createOutboxStream(store, () => loops['stream']?.wake());
  const queues = createSqliteQueues({
    database: open('queues'),
    clock,
    random: nodeRandom,
    hostQueues: { redrive: { maxReceiveCount: HOST_RECEIVES, deadLetter: HOST_DEAD_LETTERS } },
  });
  defineQueues(queues);
  const objects = await createFileObjectStore({
    disk: await createNodeDisk(folder.at('bucket')),
    database: open('objects'),
    bucket: 'models',
    region: settings.region,
    clock,
    random: nodeRandom,
    hashPartsOf: settings.partSize,
    onNotification: () => loops['router']?.wake(),
  });
  const tokens = createHostTokens({ secret: readSecretFile(folder.at('keys', 'host-tokens'), newSecret), clock });
  const deps: FunctionDeps = {
    clock,
    random: nodeRandom,
    telemetry,
    catalog: stream.catalog,
    objects,
    sender: queues,
    queues,
    commandKeys: createFileCommandKeys({ path: folder.at('keys', 'commands.json'), clock, random: nodeRandom }),
    hostCredentials: tokens,
    settings,
  };
  const invoker = createInvoker({ functions: FUNCTIONS, handlers: createHandlers(deps), clock, random: nodeRandom });

  const operations = createOperations({ ...deps, deadLetters: createSqliteDeadLetters(queues) });
  const operatorToken = newSecret();
  const endpoint = await serveEndpoint(
    {
      agent: { tokens, queues, objects, reportQueues: new Set(reportQueues()) },
      operator: {
        token: operatorToken,
        objects,
        operations,
        ...(options.onUploaded === undefined ? {} : { onUploaded: options.onUploaded }),
      },
      routes: httpRoutes(),
      invoker,
      telemetry,
    },
    options.port,
  );
  announce(folder, endpoint, operatorToken);

  const log = createScheduleLog(open('schedules'));
  const loop = (name: keyof typeof IDLE_MS, work: () => Promise<void>) => {
    loops[name] = startLoop(telemetry, name, IDLE_MS[name], work);
  };
  loop('router', () =>
    routeNotifications(
      objects,
      queues,
      queueSources().map(({ trigger }) => trigger),
    ),
  );
  loop('stream', () => stream.deliver(invoker));
  loop('schedules', () => fireDue({ invoker, log, clock, telemetry }, schedules()));
  loop('housekeeping', async () => {
    store.dropExpired(clock.now());
    queues.dropExpired();
  });
  const sources = queueSources().map((source) => startQueueSource({ queues, invoker, clock, telemetry }, source));

  return {
    url: endpoint.url,
    operatorToken,
    deps,
    operations,
    objects,
    queues,
    invoker,
    async stop() {
      await endpoint.close();
      await Promise.all([...Object.values(loops), ...sources].map((part) => part.stop()));
      for (const database of databases) database.close();
    },
  };
}

function announce(folder: DataFolder, endpoint: Endpoint, token: string): void {
  writeSecretFile(folder.at('operator.json'), `${JSON.stringify({ endpoint: endpoint.url, token })}\n`);
}

/** Of the functions' queues this process is the only consumer: what its last life had received is free again. */
function defineQueues(queues: SqliteQueues): void {
  queues.define(HOST_DEAD_LETTERS);
  for (const { trigger } of queueSources()) {
    const deadLetter = `${trigger.queue}${DEAD_LETTER_SUFFIX}`;
    queues.define(deadLetter);
    queues.define(trigger.queue, { redrive: { maxReceiveCount: trigger.maxReceiveCount, deadLetter } });
    queues.release(trigger.queue);
  }
}
