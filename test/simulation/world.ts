import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues, type SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { chooseFaultRates, Faults, simulated } from './faults.ts';
import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionDeps } from '../../functions/shared/deps.ts';
import { ActionRow, BlobRow, HostRow, queryAll, ReplicaRow } from '../../lib/catalog/index.ts';
import { Digest, HostId, hostLocation } from '../../lib/shared/ids.ts';
import { credentialIssuer, planeKeys, SETTINGS, simulatedFunctions } from './functions.ts';
import { startCalamities } from './calamities.ts';
import { SimulatedHost } from './hosts.ts';
import { Plane } from './plane.ts';
import { Rng } from './rng.ts';
import { type Incarnation, Scheduler } from './scheduler.ts';
import { countingTelemetry } from './telemetry.ts';
import { Uploads } from './uploads.ts';
import { Counters, InvariantViolation, violated, watchCatalog } from './watch.ts';
import { checkOrigin, watchObjects } from './watchObjects.ts';

export const SIMULATED_PART_SIZE = 4096;
const FAULTY_PHASE_MS = 16 * MINUTE_MS;
/** Longer than every retry, lease, expiry and reconciliation interval of the system. */
const CALM_PHASE_MS = 3 * HOUR_MS;
/** Under faults; a quieter run goes on until it had so many. */
const LEAST_DELIVERIES = 300;
const LEAST_CALM_MS = 12 * MINUTE_MS;
const HOST_CAPACITY = 150_000;
const MODELS = ['flux', 'sdxl', 'llama', 'wan'];
const MOST_STEPS = 400_000;

export interface RunResult {
  readonly seed: number;
  readonly deliveries: number;
  readonly steps: number;
  readonly traceHash: number;
  readonly counters: Counters;
}

/** Runs one seed to its end. Throws what went wrong: a broken invariant, an escaped await, an error of the handlers' host. */
export async function runSeed(seed: number, trace?: (line: string) => void): Promise<RunResult> {
  const world = await createWorld(seed, trace);
  try {
    await world.run();
  } finally {
    world.close();
  }
  const { scheduler, plane, counters, faults } = world;
  for (const [kind, count] of faults.counts) counters.counts.set(`fault ${kind}`, count);
  return { seed, deliveries: plane.deliveries, steps: scheduler.steps, traceHash: scheduler.traceHash, counters };
}

async function createWorld(seed: number, trace: ((line: string) => void) | undefined) {
  const rng = new Rng(seed);
  const scheduler = new Scheduler(rng.fork());
  scheduler.trace = trace;
  const faults = new Faults(chooseFaultRates(rng.fork()), rng.fork());
  const counters = new Counters();
  const service = scheduler.incarnation('service');
  const clock = scheduler.clockOf(service);
  const catalogDatabase = openDatabase(':memory:');
  const queueDatabase = openDatabase(':memory:');
  const objectDatabase = openDatabase(':memory:');
  const catalog = watchCatalog(createSqliteCatalogStore(catalogDatabase), counters);
  const queues = createSqliteQueues({
    database: queueDatabase,
    clock,
    random: rng.fork().asRandom(),
    hostQueues: { redrive: { maxReceiveCount: 5, deadLetter: 'hosts-dlq' } },
  });
  const bucket = await createFileObjectStore({
    disk: createMemDisk(),
    database: objectDatabase,
    bucket: 'strata',
    region: 'local',
    clock,
    random: rng.fork().asRandom(),
  });
  const wake = () => {
    plane.dirty = true;
  };
  const objects = watchObjects(bucket, catalog, counters, wake);
  const seenCatalog = announcing(catalog, (partition) => {
    plane.freshOutbox.add(partition);
    plane.dirty = true;
  });
  const sender = unreliable(queues, faults, rng.fork(), wake);
  const uploads = new Uploads({
    scheduler,
    faults,
    rng: rng.fork(),
    objects,
    partSize: SIMULATED_PART_SIZE,
    models: MODELS,
    durationMs: FAULTY_PHASE_MS - 4 * MINUTE_MS,
  });
  queues.define('hosts-dlq');
  defineQueues(queues);
  const randomness = rng.fork();
  const telemetry = countingTelemetry(counters, trace);
  const depsOf = (incarnation: Incarnation): FunctionDeps => ({
    clock: scheduler.clockOf(incarnation),
    random: randomness.asRandom(),
    telemetry,
    catalog: simulated(scheduler, faults, incarnation, 'catalog', seenCatalog),
    objects: simulated(
      scheduler,
      faults,
      incarnation,
      'objects',
      deadlyReads(objects, uploads, () => scheduler.crash(incarnation)),
    ),
    sender: simulated(scheduler, faults, incarnation, 'sender', sender),
    queues: simulated(scheduler, faults, incarnation, 'queues', queues),
    commandKeys: simulated(scheduler, faults, incarnation, 'keys', planeKeys()),
    hostCredentials: simulated(scheduler, faults, incarnation, 'credentials', credentialIssuer(scheduler)),
    settings: SETTINGS(SIMULATED_PART_SIZE),
  });
  const earliest = queueDatabase.prepare('SELECT queue, min(visible_at) AS at FROM messages GROUP BY queue');
  const plane: Plane = new Plane({
    scheduler,
    faults,
    counters,
    rng: rng.fork(),
    queues,
    objects: bucket,
    functions: simulatedFunctions(depsOf),
    nextVisible: () => new Map(earliest.all().map((row) => [String(row['queue']), Number(row['at'])])),
  });
  const hosts = ['host-a', 'host-b'].map(
    (id) =>
      new SimulatedHost(id, {
        scheduler,
        faults,
        counters,
        rng: rng.fork(),
        partSize: SIMULATED_PART_SIZE,
        objects,
        queues,
        sender,
        plane: () => plane,
        trace,
        models: MODELS,
        capacityBytes: HOST_CAPACITY,
      }),
  );
  scheduler.onCrash = (incarnation) => plane.crashed(incarnation);
  scheduler.crashHere = (incarnation, label) =>
    incarnation.name.includes('#') &&
    !label.endsWith('starts') &&
    faults.happens(incarnation.name.startsWith('relay') ? 'crash-relay' : 'crash-invocation');

  async function drive(until: number): Promise<void> {
    for (;;) {
      plane.dispatch();
      if (counters.violation !== undefined) throw counters.violation;
      if (scheduler.steps > MOST_STEPS) violated(`No end after ${MOST_STEPS} steps: a loop without a bound.`);
      if (scheduler.now >= until && scheduler.idle()) return;
      const ran = await scheduler.step(Math.min(until, plane.wakeAt()));
      if (!ran && scheduler.now >= until) return;
    }
  }

  async function run(): Promise<void> {
    const start = scheduler.now;
    uploads.start(scheduler.incarnation('uploader'));
    for (const host of hosts) host.boot();
    startCalamities(
      {
        scheduler,
        faults,
        counters,
        rng: rng.fork(),
        hosts,
        queues,
        catalog,
        operator: depsOf,
        functionQueues: impatientQueues(),
        capacityBytes: HOST_CAPACITY,
        woken: wake,
      },
      FAULTY_PHASE_MS - 2 * MINUTE_MS,
    );
    await drive(start + FAULTY_PHASE_MS / 2);
    if (rng.chance(0.6)) {
      // Days pass, fewer than queues keep messages: the next sweep finds models that nobody reads.
      scheduler.advanceTo(scheduler.now + (8 + rng.below(4)) * DAY_MS);
      counters.count('days passed');
    }
    await drive(scheduler.now + FAULTY_PHASE_MS / 2);
    while (plane.deliveries < LEAST_DELIVERIES) await drive(scheduler.now + MINUTE_MS);
    faults.enabled = false;
    faults.throttledUntil = 0;
    const end = scheduler.now + CALM_PHASE_MS;
    // At least one round of every reconciliation, then until nothing waits for anything.
    await drive(scheduler.now + LEAST_CALM_MS);
    while (scheduler.now < end && !(await atRest())) await drive(scheduler.now + 5 * MINUTE_MS);
    await checkWithin(end);
  }

  /** What a lost message left wrong is repaired by a later heartbeat or reconciliation: within a bound, not at once. */
  async function checkWithin(end: number): Promise<void> {
    for (;;) {
      try {
        await checkRest();
        return;
      } catch (error) {
        if (!(error instanceof InvariantViolation) || scheduler.now >= end) throw error;
        await drive(Math.min(end, scheduler.now + 10 * MINUTE_MS));
      }
    }
  }

  const open = catalogDatabase.prepare(
    "SELECT count(*) AS rows FROM items WHERE partition LIKE 'OUTBOX#%' OR due_partition LIKE 'DUE#ACTION#%' OR due_partition LIKE 'DUE#UPLOAD#%'",
  );
  async function atRest(): Promise<boolean> {
    const waiting = queues
      .counts()
      .some(({ queue, visible, inFlight, delayed }) => !queue.endsWith('-dlq') && visible + inFlight + delayed > 0);
    return !waiting && Number(open.get()?.['rows']) === 0 && (await uploads.allSeen(catalog));
  }

  async function checkRest(): Promise<void> {
    for (const row of queueDatabase.prepare("SELECT * FROM messages WHERE queue NOT LIKE '%-dlq'").all())
      trace?.(JSON.stringify(row).slice(0, 900) + ' now ' + scheduler.now);
    for (const { queue, visible, inFlight, delayed } of queues.counts())
      trace?.(`${queue}: ${visible} visible, ${inFlight} in flight, ${delayed} delayed`);
    const published = await uploads.check(catalog);
    for (const digest of published) await checkOrigin(bucket, catalog, digest);
    for (const { queue, visible, inFlight, delayed } of queues.counts()) {
      if (!queue.endsWith('-dlq') && visible + inFlight + delayed > 0) {
        violated(`Queue ${queue} still holds ${visible + inFlight + delayed} messages after everything came to rest.`);
      }
    }
    await checkBucket();
    for (const host of hosts) await checkHost(host);
    await checkActions();
    const outbox = catalogDatabase.prepare("SELECT count(*) AS rows FROM items WHERE partition LIKE 'OUTBOX#%'").get();
    if (Number(outbox?.['rows']) > 0) violated(`${Number(outbox?.['rows'])} outbox messages were never sent.`);
  }

  /** No blob is hidden by a delete marker; copies that the catalog does not serve from are counted. */
  async function checkBucket(): Promise<void> {
    const { versions } = await bucket.listVersions({ prefix: 'blobs/', limit: 1000 });
    for (const { key, versionId, isDeleteMarker } of versions) {
      const digest = Digest.safeParse(key.slice('blobs/'.length)).data;
      if (digest === undefined) continue;
      const blob = await BlobRow.get(catalog, digest);
      if (isDeleteMarker) violated(`${key} is hidden by a delete marker.`);
      // A copy that nobody serves from: made for an upload that lost the race for its version, or by a transition that died
      // between its copy and its switch. Paid for and not swept yet (docs/progress.md), but never the one that is served.
      if (blob?.value.origin.versionId !== versionId) counters.count('orphan copy');
    }
  }

  /** What the catalog believes of a host is what its disk holds, and nothing waits for anything. */
  async function checkHost(host: SimulatedHost): Promise<void> {
    const row = await HostRow.get(catalog, HostId.parse(host.id));
    if (row === undefined) violated(`${host.id} never registered.`);
    if (row.value.state !== 'active') violated(`${host.id} is ${row.value.state} although it is alive.`);
    if (row.value.promisedBytes !== 0) violated(`${host.id}: ${row.value.promisedBytes} bytes are still promised.`);
    const onDisk = await host.residents();
    const listed = await catalog.queryIndex('listing', { partition: `HOSTBLOBS#${host.id}`, limit: 1000 });
    const believed = new Set<string>();
    for (const item of listed.items) {
      const replica = ReplicaRow.parse(item).value;
      if (replica.location !== hostLocation('nvme', host.id)) violated(`${host.id}: lists ${replica.location}.`);
      if (replica.state !== 'verified') violated(`${host.id}: ${replica.digest} is still ${replica.state}.`);
      if (!onDisk.has(replica.digest))
        violated(`${host.id}: the catalog believes in ${replica.digest}, which the disk does not hold.`);
      believed.add(replica.digest);
    }
    for (const digest of onDisk)
      if (!believed.has(digest)) violated(`${host.id}: holds ${digest}, which the catalog does not know.`);
    for (const digest of onDisk) await checkOrigin(bucket, catalog, digest);
  }

  async function checkActions(): Promise<void> {
    const rows = catalogDatabase.prepare("SELECT partition FROM items WHERE partition LIKE 'ACTION#%'").all();
    for (const row of rows) {
      const items = await queryAll(catalog, { partition: String(row['partition']) });
      for (const item of items) {
        const action = ActionRow.parse(item).value;
        if (action.state === 'pending') violated(`Action ${action.actionId} (${action.type}) never came to an end.`);
      }
    }
  }

  function close(): void {
    for (const database of [catalogDatabase, queueDatabase, objectDatabase]) database.close();
  }

  return { scheduler, plane, counters, faults, run, close };
}

/** Those where a poisoned message reaches its dead-letter queue within the run. */
function impatientQueues(): string[] {
  return FUNCTIONS.filter(({ timeoutSeconds }) => timeoutSeconds <= 60).flatMap(({ triggers }) =>
    triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [trigger.queue] : [])),
  );
}

function defineQueues(queues: SqliteQueues): void {
  for (const { triggers } of FUNCTIONS) {
    for (const trigger of triggers) {
      if (trigger.kind !== 'queue') continue;
      queues.define(`${trigger.queue}-dlq`);
      queues.define(trigger.queue, {
        redrive: { maxReceiveCount: trigger.maxReceiveCount, deadLetter: `${trigger.queue}-dlq` },
      });
    }
  }
}

/** Tells when outbox rows were written. */
function announcing(catalog: CatalogStore, written: (partition: string) => void): CatalogStore {
  return {
    ...catalog,
    async transact(changes) {
      const outcome = await catalog.transact(changes);
      if (outcome.outcome === 'committed') {
        for (const change of changes)
          if (change.kind === 'put' && change.item.key.partition.startsWith('OUTBOX#'))
            written(change.item.key.partition);
      }
      return outcome;
    },
  };
}

/** Messages repeat and overtake each other. */
function unreliable(queues: SqliteQueues, faults: Faults, rng: Rng, sent: () => void): MessageSender {
  return {
    async send(queue, messages) {
      const late = () => (faults.happens('reordered-delivery') ? rng.below(60) : 0);
      const copies = messages.flatMap((message) =>
        faults.happens('duplicate-delivery') ? [message, message] : [message],
      );
      for (const message of copies) {
        await queues.send(queue, [{ ...message, delaySeconds: (message.delaySeconds ?? 0) + late() }]);
      }
      sent();
    },
  };
}

/** The scanner dies of some files whenever it reads them. */
function deadlyReads<Store extends object>(objects: Store, uploads: Uploads, die: () => void): Store {
  return new Proxy(objects, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (property !== 'readRange' || typeof member !== 'function') return member;
      return (key: string, ...rest: readonly unknown[]) => {
        if (!uploads.scannerKillers.has(key)) return Reflect.apply(member, target, [key, ...rest]);
        die();
        return new Promise(() => {});
      };
    },
  });
}
