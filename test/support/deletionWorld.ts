import { createPurgeHandler } from '../../functions/purge/handler.ts';
import { createStartPurgeHandler } from '../../functions/start-purge/handler.ts';
import type { HostCommand } from '../../events/host-command/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import {
  BlobRow,
  OrphanRow,
  queryAll,
  ReferenceRow,
  ReplicaRow,
  startingWith,
  TombstoneRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { deleteVersion, holdVersion, undoDelete } from '../../lib/deletion/index.ts';
import { openCommand } from '../../lib/fleet/index.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { CorrelationId, Generation, HostId, originLocation } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { sqsBatch, testContext } from './envelopes.ts';
import { correlationId, countingRandom, createFleetWorld, digestOf, model, version } from './fleetWorld.ts';
import { createMemDisk } from './memDisk.ts';
import type { Between } from './interruption.ts';

export type DeletionWorld = Awaited<ReturnType<typeof createDeletionWorld>>;

/** The fleet with a bucket, and the functions that delete. */
export async function createDeletionWorld(between?: Between) {
  const fleet = createFleetWorld();
  const { clock, catalog } = fleet;
  const objects = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'models',
    region: 'eu-west-1',
    clock,
    random: countingRandom(1_000_000),
  });
  const deps = {
    ...fleet.deps,
    catalog: between?.catalog(catalog) ?? catalog,
    objects: between?.objects(objects) ?? objects,
  };
  const purge = createPurgeHandler(deps);
  const startPurge = createStartPurgeHandler(deps);

  /** A published version with its objects and references, a letter a file. */
  async function publish(name: string, number: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const letter of Object.values(files)) {
      const digest = digestOf(letter);
      if ((await BlobRow.get(catalog, digest)) !== undefined) continue;
      const written = await objects.write(blobKey(digest), Buffer.alloc(100, letter));
      if (written.outcome !== 'written') throw new Error(written.outcome);
      await objects.write(manifestKey(digest), Buffer.from('{}'));
      const location = originLocation('eu-west-1', 'STANDARD');
      const { versionId } = written;
      const size = Bytes.parse(100);
      const origin = { location, storageClass: 'STANDARD' as const, versionId, billedSince: clock.now() };
      await fleet.publish(`unused-${letter}`, '1.0.0', { f: letter }, { size, origin });
      const replica = { digest, location, state: 'verified' as const, bytes: size, versionId, pinned: false };
      await catalog.transact([ReplicaRow.put({ ...replica, checkedAt: clock.now() }, 'absent')]);
    }
    await fleet.publish(name, number, files);
    for (const letter of new Set(Object.values(files))) {
      const reference = { digest: digestOf(letter), model: model(name), version: version(number) };
      await catalog.transact([ReferenceRow.put(reference, 'absent')]);
    }
  }

  /** A host that holds what was commanded of it. */
  async function holdOnHost(name: string, model: string, number: string) {
    const host = await fleet.addHost(name, { subscriptions: [model] });
    await fleet.deliver('heartbeats', host.heartbeat({ residents: [] }));
    await fleet.deliver('placement', { schema: 'place-model/1', model, version: number, correlationId });
    for (const command of await fleet.run()) await fleet.deliver('receipts', host.receipt(command));
    return host;
  }

  /** One run of the purge with all that it sends; answers the commands that hosts got. */
  async function runPurge(): Promise<readonly HostCommand[]> {
    await clock.advance(1000);
    await startPurge({ schedule: 'purge', scheduledTime: new Date(clock.now()).toISOString() }, testContext());
    return drain();
  }

  async function drain(): Promise<readonly HostCommand[]> {
    const commands: HostCommand[] = [];
    for (;;) {
      const messages = await fleet.takeOutbox();
      if (messages.length === 0) return commands;
      for (const { queue, body } of messages) {
        if (queue === 'purge') await deliverPurge(body);
        else if (queue === 'placement') await fleet.deliver('placement', body);
        else commands.push(opened(queue, SignedEnvelope.parse(body)));
      }
    }
  }

  async function deliverPurge(body: unknown): Promise<boolean> {
    const { batchItemFailures } = await purge(sqsBatch([body]), testContext());
    return batchItemFailures.length === 0;
  }

  function opened(queue: string, envelope: SignedEnvelope): HostCommand {
    const [, host, generation] = /^host-(.*)-(\d+)$/.exec(queue) ?? [];
    const reader = { host: HostId.parse(host), generation: Generation.parse(Number(generation)), now: clock.now() };
    const command = openCommand(envelope, { ...reader, keys: [fleet.planeKey] });
    if (command.outcome !== 'verified') throw new Error(command.reason);
    return command.command;
  }

  const named = (name: string, number: string) => ({ model: model(name), version: version(number) });
  return {
    ...fleet,
    objects,
    publish,
    holdOnHost,
    runPurge,
    drain,
    deliverPurge,
    remove: (name: string, number: string, over: { undoDays?: number; dryRun?: boolean } = {}) =>
      deleteVersion(catalog, {
        ...named(name, number),
        undoDays: 7,
        dryRun: false,
        now: clock.now(),
        correlationId,
        ...over,
      }),
    undo: (name: string, number: string) =>
      undoDelete(catalog, {
        ...named(name, number),
        now: clock.now(),
        // As each call of an operator has one of its own.
        correlationId: CorrelationId.parse(`operator-${fleet.deps.random.id()}`),
        dryRun: false,
      }),
    hold: (name: string, number: string, change: Parameters<typeof holdVersion>[1]['change']) =>
      holdVersion(catalog, { ...named(name, number), now: clock.now(), dryRun: false, change }),
    /** Past the end of the undo window of a week. */
    passWindow: () => clock.advance(8 * DAY_MS),
    version: async (name: string, number: string) =>
      (await VersionRow.get(catalog, model(name), version(number)))?.value,
    tombstone: async (name: string, number: string) =>
      (await TombstoneRow.get(catalog, model(name), version(number)))?.value,
    /** Every object and every row of one blob that is left, for what must be there or gone. */
    async left(letter: string) {
      const digest = digestOf(letter);
      const rows = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('') });
      const { versions } = await objects.listVersions({ prefix: blobKey(digest), limit: 10 });
      const sorts = rows.map(({ key }) => key.sort.split('#')[0]);
      // What was deleted is remembered for a while.
      return { rows: sorts.filter((sort) => sort !== 'ORPHAN'), objects: versions.length };
    },
    orphans: async (letter: string) =>
      (await queryAll(catalog, { partition: `BLOB#${digestOf(letter)}`, ...startingWith('ORPHAN#') })).map(
        (item) => OrphanRow.parse(item).value,
      ),
  };
}
