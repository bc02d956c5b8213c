import type { DatabaseSync } from 'node:sqlite';
import { createFileCommandKeys } from '../lib/adapters/embedded/fileCommandKeys.ts';
import { createFileObjectStore, type FileObjectStore } from '../lib/adapters/embedded/fileObjectStore.ts';
import type { RestoreDelays } from '../lib/adapters/embedded/objectRestores.ts';
import { createHostTokens, type HostTokens } from '../lib/adapters/embedded/hostTokens.ts';
import { createScheduleLog, type ScheduleLog } from '../lib/adapters/embedded/scheduleLog.ts';
import { newSecret, readSecretFile } from '../lib/adapters/embedded/secretFile.ts';
import { openDatabase } from '../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore, type SqliteCatalogStore } from '../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues, type SqliteQueues } from '../lib/adapters/embedded/sqliteQueues.ts';
import { createNodeDisk } from '../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../lib/adapters/node/nodeRandom.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { CommandKeys } from '../lib/shared/ports/commandKeys.ts';
import type { DataFolder } from './dataFolder.ts';
import { deadLetterQueues } from '../functions/deadLetters.ts';
import { HOST_DEAD_LETTERS, queueDeadLetters } from '../functions/shared/declaration.ts';
import { queueSources } from './triggers.ts';

/**
 * What stands behind the ports, in one folder. Catalog, queues and objects are databases of their own: as on AWS, no
 * transaction spans two of them.
 */
export interface Stores {
  readonly catalog: SqliteCatalogStore;
  readonly queues: SqliteQueues;
  readonly objects: FileObjectStore;
  /** Locks what is written into it, as far as one machine can. */
  readonly seals: FileObjectStore;
  readonly tokens: HostTokens;
  readonly commandKeys: CommandKeys;
  readonly scheduleLog: ScheduleLog;
  close(): void;
}

export interface StoresOptions {
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly region: string;
  readonly partSize: number;
  readonly restoreDelays?: RestoreDelays;
  readonly onNotification: () => void;
}

/** A command that a living agent could not finish in so many deliveries is for a person to look at. */
const HOST_RECEIVES = 5;

export async function openStores(options: StoresOptions): Promise<Stores> {
  const { folder, clock } = options;
  const databases: DatabaseSync[] = [];
  const open = (name: string): DatabaseSync => {
    const database = openDatabase(folder.at(`${name}.db`));
    databases.push(database);
    return database;
  };
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
    region: options.region,
    clock,
    random: nodeRandom,
    hashPartsOf: options.partSize,
    ...(options.restoreDelays === undefined ? {} : { restoreDelays: options.restoreDelays }),
    onNotification: options.onNotification,
  });
  const seals = await createFileObjectStore({
    disk: await createNodeDisk(folder.at('audit')),
    database: open('audit'),
    bucket: 'audit',
    region: options.region,
    clock,
    random: nodeRandom,
  });
  return {
    catalog: createSqliteCatalogStore(open('catalog')),
    queues,
    objects,
    seals,
    tokens: createHostTokens({ secret: readSecretFile(folder.at('keys', 'host-tokens'), newSecret), clock }),
    commandKeys: createFileCommandKeys({ path: folder.at('keys', 'commands.json'), clock, random: nodeRandom }),
    scheduleLog: createScheduleLog(open('schedules')),
    close() {
      for (const database of databases) database.close();
    },
  };
}

/** Of the functions' queues this process is the only consumer: what its last life had received is free again. */
function defineQueues(queues: SqliteQueues): void {
  for (const { queue } of deadLetterQueues()) queues.define(queue);
  for (const { trigger } of queueSources()) {
    const deadLetter = queueDeadLetters(trigger.queue);
    queues.define(trigger.queue, { redrive: { maxReceiveCount: trigger.maxReceiveCount, deadLetter } });
    queues.release(trigger.queue);
  }
}
