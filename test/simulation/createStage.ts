import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionDeps } from '../../functions/shared/deps.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase, prepareRows } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues, type SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { TierPolicyRow } from '../../lib/catalog/index.ts';
import { POLICY_VERSIONS } from '../../lib/placement/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { ownBookSettings } from '../../lib/priceBooks/index.ts';
import { tierSettings } from '../../lib/tiering/index.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { slowCopies } from '../support/slowCopies.ts';
import { chooseFaultRates, Faults, lateAnswer, simulated } from './faults.ts';
import { focusedLateness, focusedPolicies, focusedRates, focusOf } from './focus.ts';
import { choosePolicies, credentialIssuer, planeKeys, SETTINGS, simulatedFunctions } from './functions.ts';
import { hindered, refusingVerdicts } from './hindered.ts';
import { SimulatedHost } from './hosts.ts';
import { createInventoryMap } from './inventoryMap.ts';
import { createPolicyHistory } from './policyHistory.ts';
import { createPublishedPrices } from './publishedPrices.ts';
import { Plane } from './plane.ts';
import { RefusedReads } from './refusedReads.ts';
import { createReleases } from './releases.ts';
import { Rng } from './rng.ts';
import { type Incarnation, Scheduler } from './scheduler.ts';
import type { Capability, Stage } from './stage.ts';
import { countingTelemetry } from './telemetry.ts';
import { Counters, violated } from './invariants.ts';
import { watchBucket, watchCatalog } from './watch.ts';

/** The smaller are cheaper the rarer they are: with them small files, too, have parts between the first and the last one. */
const PART_SIZES = [4096, 8192, 8192, 8192];
const HOST_CAPACITY = 150_000;
/** In one run of four hosts have hardly room, so that they evict and move all the while. */
const TIGHT_CAPACITY = 60_000;
/** Where runs concentrate on moves: a few small blobs fill it. */
const NARROW_CAPACITY = 36_000;
/** What each host wants without being asked for it. */
const HOSTS = { 'host-a': ['*'], 'host-b': ['flux', 'sdxl', 'llama'] };
const MODELS = ['flux', 'sdxl', 'llama', 'wan'];

export interface RunningStage {
  readonly stage: Stage;
  readonly plane: Plane;
  readonly rng: Rng;
  close(): void;
}

/** The system under simulation, ready to run. `capabilities` may be filled afterwards: it is read at each change. */
export async function createStage(
  seed: number,
  trace: ((line: string) => void) | undefined,
  capabilities: readonly Capability[],
): Promise<RunningStage> {
  const rng = new Rng(seed);
  const focus = focusOf(seed);
  const scheduler = new Scheduler(rng.fork());
  scheduler.trace = trace;
  const faults = new Faults(focusedRates(chooseFaultRates(rng.fork()), focus), rng.fork());
  const counters = new Counters();
  const clock = scheduler.clockOf(scheduler.incarnation('service'));
  const hostQueues = { redrive: { maxReceiveCount: 5, deadLetter: 'hosts-dlq' } };
  const databases = {
    catalog: openDatabase(':memory:'),
    queues: openDatabase(':memory:'),
    objects: openDatabase(':memory:'),
    seals: openDatabase(':memory:'),
  };
  const catalog = watchCatalog(createSqliteCatalogStore(databases.catalog), counters, capabilities);
  const sent = new Set<string>();
  const queues = announcingQueues(
    createSqliteQueues({ database: databases.queues, clock, random: rng.fork().asRandom(), hostQueues }),
    sent,
    (queue) => plane.queueChanged(queue),
  );
  const files = await createFileObjectStore({
    disk: createMemDisk(),
    database: databases.objects,
    bucket: 'strata',
    region: 'local',
    clock,
    random: rng.fork().asRandom(),
  });
  const bucket = watchBucket(
    slowCopies(files, clock, () => (faults.happens('slow-copy') ? 3 : 1)),
    counters,
    capabilities,
    () => plane.bucketChanged(),
  );
  const seals = await createFileObjectStore({
    disk: createMemDisk(),
    database: databases.seals,
    bucket: 'audit',
    region: 'local',
    clock,
    random: rng.fork().asRandom(),
  });
  const refusedVerdicts = new Map<string, number>();
  const seenCatalog = refusingVerdicts(
    announcingOutbox(catalog, (partition) => plane.outboxWritten(partition)),
    { refusedVerdicts, scheduler, faults },
  );
  const sender = unreliable(queues, faults, rng.fork());
  queues.define('hosts-dlq');
  defineQueues(queues);
  const [randomness, lateness] = [rng.fork(), rng.fork()];
  const telemetry = countingTelemetry(counters, trace);
  const deadlyKeys = new Set<string>();
  const lateReads = new Map<string, number>();
  const refusedReads = new RefusedReads(scheduler);
  const releases = createReleases();
  const partSize = rng.pick(PART_SIZES);
  const { changes: changesPolicy, packs, ...policies } = focusedPolicies(choosePolicies(rng.fork()), focus);
  let settings = SETTINGS(partSize, policies);
  const ownsBooks = !changesPolicy && settings.tierPolicy === 'rules' && seed % 3 === 0;
  const history = createPolicyHistory();
  // Where nobody changes it, the policy has been in force for long; elsewhere often nothing is before the first look.
  if (!changesPolicy || seed % 2 === 0) {
    // Whoever changes it may have begun before the run does.
    const inForce = changesPolicy ? rng.pick(TierPolicyName.options) : settings.tierPolicy;
    const since = clock.now();
    const version = POLICY_VERSIONS[inForce];
    await catalog.transact([
      TierPolicyRow.put({ inForce, settings: tierSettings(settings), version, since }, 'absent'),
    ]);
    history.begin(inForce, since);
  }
  const inventoryMap = createInventoryMap({
    scheduler,
    faults,
    counters,
    rng: rng.fork(),
    bucket,
    call: (event) => plane.callFunction('sweep-inventory', event),
  });
  const published = createPublishedPrices();
  const depsOf = (incarnation: Incarnation): FunctionDeps => {
    const answered = lateAnswer(scheduler, faults, incarnation, lateness, focusedLateness(focus));
    const port = <Port extends object>(name: string, truth: Port) =>
      simulated(scheduler, faults, incarnation, name, truth, { faulty: true, answered });
    return {
      clock: scheduler.clockOf(incarnation),
      random: randomness.asRandom(),
      telemetry,
      scanner: releases.scanner(),
      catalog: port('catalog', seenCatalog),
      objects: port(
        'objects',
        hindered(bucket, { deadlyKeys, lateReads, refusedReads, scheduler, faults, incarnation }),
      ),
      seals: port('seals', seals),
      sender: port('sender', sender),
      messages: port('messages', queues),
      queues: port('queues', queues),
      commandKeys: port('keys', planeKeys()),
      hostCredentials: port('credentials', credentialIssuer(scheduler)),
      inventorySweeps: port('map', inventoryMap),
      priceLists: port('lists', published.lists),
      settings,
    };
  };
  const earliest = prepareRows(databases.queues, 'SELECT min(visible_at) FROM messages WHERE queue = ?');
  const isTight = rng.fork().chance(0.25);
  const hostCapacity = focus === 'moves' ? NARROW_CAPACITY : isTight ? TIGHT_CAPACITY : HOST_CAPACITY;
  const comeSooner = databases.queues.prepare(
    "UPDATE messages SET visible_at = CAST(:now + (visible_at - :now) / :times AS INTEGER) WHERE visible_at > :now AND handle IS NOT NULL AND queue NOT LIKE 'host-%'",
  );
  const plane: Plane = new Plane({
    scheduler,
    faults,
    counters,
    rng: rng.fork(),
    queues,
    objects: bucket,
    functions: simulatedFunctions(depsOf, packs, sweepsEveryMinutes(settings, { changesPolicy, ownsBooks })),
    earliestVisible: (queue) => Number(earliest.get(queue)?.[0] ?? Number.POSITIVE_INFINITY),
    comeSooner: (times) => comeSooner.run({ now: scheduler.now, times }),
  });
  const hosts = Object.entries(HOSTS).map(
    ([id, subscriptions]) =>
      new SimulatedHost(id, {
        scheduler,
        faults,
        counters,
        rng: rng.fork(),
        partSize,
        objects: unpackedOnly(bucket, counters),
        queues,
        sender,
        plane: () => plane,
        trace,
        models: MODELS,
        subscriptions,
        capacityBytes: hostCapacity,
        focus,
      }),
  );
  scheduler.onCrash = (incarnation) => plane.crashed(incarnation);
  scheduler.crashHere = (incarnation, label) => {
    if (label.startsWith('disk.')) return powerFails(hosts, faults, incarnation);
    if (!incarnation.name.includes('#') || label.endsWith('starts')) return false;
    return faults.happens(incarnation.name.startsWith('relay') ? 'crash-relay' : 'crash-invocation');
  };
  const stage: Stage = {
    scheduler,
    faults,
    counters,
    catalog,
    bucket,
    seals,
    queues,
    hosts,
    models: MODELS,
    partSize,
    maxUploadBytes: settings.maxUploadBytes,
    get settings() {
      return settings;
    },
    changesPolicy,
    packs,
    focus,
    configure: (tierPolicy) => {
      settings = { ...settings, tierPolicy };
    },
    ownsBooks,
    configureBook: (book) => {
      const { ownBook: _, priceBook: __, ...rest } = settings;
      settings = { ...rest, ...ownBookSettings(book) };
    },
    policies: history,
    inventoryMap,
    published,
    hostCapacity,
    deadlyKeys,
    lateReads,
    refusedReads,
    refusedVerdicts,
    sent,
    releases,
    depsOf,
    fireNow: (schedule) => plane.fireNow(schedule),
    callFunction: (name, event) => plane.callFunction(name, event),
    trace,
  };
  const close = () => Object.values(databases).forEach((database) => database.close());
  return { stage, plane, rng, close };
}

/** Where there is more to see of it, the sweep of storage classes comes as often as the others, or more often; else once a day. */
function sweepsEveryMinutes(
  { sweepInventoryFrom, tierPolicy }: FunctionDeps['settings'],
  { changesPolicy, ownsBooks }: { readonly changesPolicy: boolean; readonly ownsBooks: boolean },
): number | undefined {
  if (changesPolicy) return 2;
  if (tierPolicy !== 'rules' || sweepInventoryFrom <= 100) return 3;
  return ownsBooks ? 4 : undefined;
}

/** Hosts read what the model's bytes are, never what they were packed to. */
function unpackedOnly<Store extends ObjectStore>(objects: Store, counters: Counters): Store {
  return {
    ...objects,
    async readRange(key, versionId, ...range) {
      const found = await objects.head(key, versionId);
      if (found.outcome === 'found' && found.head.metadata['strata-encoding'] !== undefined) {
        await counters.watch(() => violated(`A host reads the packed bytes of ${key} (${versionId}).`));
      }
      return objects.readRange(key, versionId, ...range);
    },
  };
}

/** A host loses power in the middle of what it does to its disk. */
function powerFails(hosts: readonly SimulatedHost[], faults: Faults, incarnation: Incarnation): boolean {
  const host = hosts.find((one) => one.incarnation === incarnation);
  if (host === undefined || !faults.happens('power-cut')) return false;
  host.reboot();
  return true;
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

/** Tells which queue got, gave or lost messages, and remembers what was `sent`. */
function announcingQueues(queues: SqliteQueues, sent: Set<string>, changed: (queue: string) => void): SqliteQueues {
  return {
    ...queues,
    async send(queue, messages) {
      await queues.send(queue, messages);
      for (const { body } of messages) sent.add(`${queue} ${body}`);
      changed(queue);
    },
    async receive(queue, ...rest) {
      const taken = await queues.receive(queue, ...rest);
      changed(queue);
      return taken;
    },
    async remove(queue, handle) {
      await queues.remove(queue, handle);
      changed(queue);
    },
    async changeVisibility(queue, handle, seconds) {
      await queues.changeVisibility(queue, handle, seconds);
      changed(queue);
    },
  };
}

/** Tells when outbox rows were written. */
function announcingOutbox(catalog: CatalogStore, written: (partition: string) => void): CatalogStore {
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
function unreliable(queues: SqliteQueues, faults: Faults, rng: Rng): MessageSender {
  return {
    async send(queue, messages) {
      const late = () => (faults.happens('reordered-delivery') ? rng.below(60) : 0);
      const copies = messages.flatMap((message) =>
        faults.happens('duplicate-delivery') ? [message, message] : [message],
      );
      for (const message of copies) {
        const delaySeconds = Math.min(900, (message.delaySeconds ?? 0) + late());
        await queues.send(queue, [{ ...message, delaySeconds }]);
      }
    },
  };
}
