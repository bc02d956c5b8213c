/**
 * Simulated GPU hosts: the real agent's control over a disk in memory. A host lives through incarnations of its agent: a
 * reboot loses what the disk had not synced and registers again; a paused one goes on as if nothing had happened.
 */

import { type Agent, createAgent } from '../../agent/agent.ts';
import type { EvictionConfig } from '../../agent/nvme/evictionPolicy.ts';
import { blobPath, LEDGER_PATH } from '../../agent/nvme/paths.ts';
import { createWeighing } from '../../agent/wiring/eviction.ts';
import type { SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { createPortTransfer } from '../../lib/adapters/transfer/portTransfer.ts';
import type { AgentPlane } from '../../lib/fleet/index.ts';
import { HostId, ModelName, VolumeName } from '../../lib/shared/ids.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { ObjectReader, ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { Bytes, DurationMs, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { agentPlaneOver, type PlaneCall } from '../support/agentPlaneOver.ts';
import { joinMemDisks } from '../support/joinedMemDisk.ts';
import { createMemDisk, type MemDisk } from '../support/memDisk.ts';
import { type Faults, simulated } from './faults.ts';
import type { Focus } from './focus.ts';
import type { Plane } from './plane.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';
import { countingTelemetry } from './telemetry.ts';
import { HostWatch } from './hostWatch.ts';
import { Quota } from './quota.ts';
import type { Counters } from './invariants.ts';

export interface HostsOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly rng: Rng;
  readonly partSize: number;
  readonly objects: ObjectStore;
  readonly queues: SqliteQueues;
  readonly sender: MessageSender;
  readonly plane: () => Plane;
  readonly trace: ((line: string) => void) | undefined;
  readonly models: readonly string[];
  /** Patterns of the models that it wants without being asked for them. */
  readonly subscriptions: readonly string[];
  readonly capacityBytes: number;
  /** What the run concentrates on. */
  readonly focus: Focus | undefined;
}

/**
 * By the shipped books: hosts are told the plane's, and all that follows is how much a miss weighs. On some hosts writing to SSD costs
 * about what it saves for blobs as small as these.
 */
const EVICTIONS = [0.1, 30].map(
  (ssdWearUsdPerTb) =>
    createWeighing(
      { gpu: 'H100', evictBy: 'dollars', bytesPerSecond: Number.POSITIVE_INFINITY, ssdWearUsdPerTb },
      { info: () => undefined, warn: () => undefined },
    ).config,
);

/** Now and then what lies between a host and the origin spoils everything for so long: more than the tries in a row of one fill. */
const LONGEST_SPOILING_MS = 12 * MINUTE_MS;

/** What waits longer where there are no faults looks so often whether there are some again. */
const LONGEST_NAP_MS = 2 * MINUTE_MS;
/** After so many turns with nothing that moves, who waits for it lets time pass. */
const MOST_TURNS = 200;

const COLD = VolumeName.parse('cold');

/** Small enough to be full now and then. */
const coldBytes = ({ capacityBytes }: HostsOptions) => Bytes.parse(Math.floor(capacityBytes / 3));

export class SimulatedHost {
  readonly id: HostId;
  readonly disk: MemDisk;
  agent: Agent | undefined;
  incarnation: Incarnation;
  private readonly options: HostsOptions;
  readonly watch: HostWatch;
  private readonly rng: Rng;
  readonly quota: Quota;
  private readonly eviction: EvictionConfig;
  private lives = 0;
  /** Until then all bytes from the origin arrive changed, if faults do not end before. */
  private spoiledUntil = 0;

  constructor(id: string, options: HostsOptions) {
    this.id = HostId.parse(id);
    this.options = options;
    this.rng = options.rng.fork();
    this.eviction = this.rng.pick(EVICTIONS);
    const now = () => options.scheduler.now;
    const first = createMemDisk({ totalBytes: 64 * 1024 * 1024, now });
    this.disk = joinMemDisks(first, new Map([[COLD, createMemDisk({ totalBytes: 64 * 1024 * 1024, now })]]));
    this.incarnation = options.scheduler.incarnation(`${id}/0`);
    this.watch = new HostWatch(this.id, this.disk, { ...options, coldBytes: coldBytes(options) });
    this.quota = new Quota(this.id, this.watch, options.faults);
  }

  /** Starts an incarnation on the host's disk. */
  boot(): void {
    const { scheduler } = this.options;
    this.lives += 1;
    this.watch.begins();
    this.incarnation = scheduler.incarnation(`${this.id}/${this.lives}`);
    this.agent = undefined;
    const mine = this.incarnation;
    scheduler.spawn(mine, async () => {
      while (mine.alive) {
        try {
          const agent = await createAgent(this.deps(mine), this.config());
          this.agent = agent;
          this.startLoops(agent, mine);
          return;
        } catch (error) {
          // A supervisor starts it again.
          if (!(error instanceof DiskError)) throw error;
          await scheduler.sleep(mine, 5 * SECOND_MS);
        }
      }
    });
  }

  /** The machine loses power now and comes up again after a while. */
  reboot(downMs = this.rng.below(3 * MINUTE_MS)): void {
    const { scheduler } = this.options;
    if (!this.incarnation.alive) return;
    scheduler.crash(this.incarnation);
    this.agent = undefined;
    this.watch.leased.clear();
    this.disk.powerCut(() => this.rng.chance(0.5));
    const down = scheduler.incarnation(`${this.id}/down`);
    scheduler.spawn(down, async () => {
      await scheduler.sleep(down, downMs);
      this.boot();
    });
  }

  /** Another machine with an empty disk takes the place of this one. */
  async replace(): Promise<void> {
    if (!this.incarnation.alive) return;
    this.reboot();
    await emptyDisk(this.disk);
    this.watch.forget();
  }

  pause(ms: number): void {
    this.incarnation.pausedUntil = this.options.scheduler.now + ms;
  }

  /** Damages one byte of one cached file. */
  async flipBit(): Promise<boolean> {
    const files = this.watch.blobFiles();
    if (files.length === 0) return false;
    const pinned = files.filter((file) => this.watch.isPinned(file, this.agent));
    const path = this.rng.pick(pinned.length > 0 && this.rng.chance(0.9) ? pinned : files);
    const size = (await this.disk.stat(path))?.size ?? 0;
    if (size === 0) return false;
    this.flipBitOf(path, size);
    return true;
  }

  private flipBitOf(path: string, size: number): void {
    this.disk.flipBit(path, this.rng.below(size));
    this.watch.flipped.add(path);
  }

  /** The quota of the first volume is lowered below what lies there. */
  async shrinkQuota(): Promise<boolean> {
    const used = await this.watch.bytesOnFirst();
    if (used === 0) return false;
    this.quota.lower(Math.floor(used * (0.1 + 0.6 * this.rng.number())));
    return true;
  }

  private startLoops(agent: Agent, mine: Incarnation): void {
    const { counters, faults, scheduler } = this.options;
    const rarely = () => 10 + Math.min(20, (scheduler.now - faults.endedAt) / MINUTE_MS);
    const every = (ms: number, step: () => Promise<unknown>, calm = rarely) => this.loop(mine, ms, calm, step);
    every(30 * SECOND_MS, () => agent.sessionOnce());
    every(8 * SECOND_MS, () => agent.pollOnce());
    // It must not become silent.
    every(
      45 * SECOND_MS,
      () => agent.heartbeatOnce(),
      () => 5,
    );
    every(30 * SECOND_MS, () => agent.flushReceiptsOnce());
    every(60 * SECOND_MS, () => agent.flushAccessesOnce());
    // Each look counts at most ten seconds of a lease's time: what still waits after hours may wait for one that nobody gave back.
    const oftenInTheEnd = () => (scheduler.now - faults.endedAt > 2 * HOUR_MS ? 2 : rarely());
    every(
      45 * SECOND_MS,
      async () => {
        await agent.upkeepOnce();
        await counters.watch(() => this.quota.checkMet(agent));
      },
      oftenInTheEnd,
    );
    every(40 * SECOND_MS, () => {
      // Somebody asks for what may be moving.
      const reader = this.rng.chance(0.5) ? this.infer(agent, 0.8) : undefined;
      return Promise.all([agent.moveOnce(), reader]);
    });
    if (this.options.focus === 'moves') {
      every(8 * SECOND_MS, () => this.meddle(agent));
      every(15 * SECOND_MS, () => this.infer(agent, 0.8));
    }
    every(90 * SECOND_MS, () => agent.scrubOnce());
    every(60 * SECOND_MS, () => this.infer(agent));
  }

  /** About every `ms`; without faults so many times less often that waiting for a timeout costs little. */
  private loop(mine: Incarnation, ms: number, calm: () => number, step: () => Promise<unknown>): void {
    const { faults, scheduler } = this.options;
    scheduler.spawn(mine, async () => {
      for (;;) {
        try {
          await step();
        } catch (error) {
          this.options.trace?.(`    ${mine.name} step failed: ${String(error)}`);
        }
        const pauseMs = ms * (0.5 + this.rng.number());
        if (faults.enabled) await scheduler.sleep(mine, pauseMs);
        else await this.rest(mine, pauseMs * calm());
      }
    });
  }

  /** For so long, or until there are faults again. */
  private async rest(mine: Incarnation, ms: number): Promise<void> {
    const { faults, scheduler } = this.options;
    const until = scheduler.now + ms;
    while (!faults.enabled && scheduler.now < until)
      await scheduler.sleep(mine, Math.min(LONGEST_NAP_MS, until - scheduler.now));
  }

  /** An inference process asks for a model, with odds of `cached` for a blob that lies here, uses it under its lease for a while, and lets go. */
  private async infer(agent: Agent, cached = 0.2): Promise<void> {
    const { focus, models, faults } = this.options;
    if (focus === 'pins' || focus === 'expiry' || (!faults.enabled && this.rng.chance(0.9))) return;
    const model = ModelName.parse(this.rng.pick(models));
    const digests = this.rng.chance(cached) ? [...(await this.watch.residents())] : [];
    const ensured =
      digests.length > 0
        ? await agent.models.ensureBlob(this.rng.pick(digests), 0)
        : await agent.models.ensure(model, this.rng.pick(['latest', '1.0.0', '^1.0.0']), 0);
    await this.use(agent, ensured);
  }

  /** While a blob is being moved, a bit of it flips, or somebody asks for it. */
  private async meddle(agent: Agent): Promise<void> {
    const { scheduler } = this.options;
    let over = false;
    const moving = () => [...agent.store.ledger.state.blobs.values()].find(({ also }) => also !== undefined);
    const waits = () => !over && moving() === undefined;
    const wait = async () => {
      // A move may wait for a moment, which comes only when nothing is ready.
      for (let turn = 1; waits(); turn += 1) {
        if (turn % MOST_TURNS === 0) await scheduler.sleep(this.incarnation, 1);
        else await scheduler.park(this.incarnation, 'meddling');
      }
      const blob = moving();
      if (over || blob === undefined || !this.options.faults.enabled) return;
      if (this.rng.chance(0.3)) this.flipBitOf(blobPath(blob.digest, blob.volume), blob.size);
      else await this.use(agent, await agent.models.ensureBlob(blob.digest, 0));
    };
    await Promise.all([agent.moveOnce().finally(() => (over = true)), wait()]);
  }

  private async use(agent: Agent, ensured: Awaited<ReturnType<Agent['models']['ensureBlob']>>): Promise<void> {
    const { counters, scheduler } = this.options;
    counters.count(`ensure: ${ensured.outcome}`);
    if (ensured.outcome !== 'ready') return;
    const paths = ensured.files.map(({ digest }) => blobPath(digest, agent.store.blob(digest)?.volume));
    this.watch.leased.set(ensured.lease, { paths, until: scheduler.now + MINUTE_MS });
    for (const path of paths) await counters.watch(() => this.watch.checkServed(path));
    await scheduler.sleep(this.incarnation, this.rng.below(MINUTE_MS / 2));
    this.watch.leased.delete(ensured.lease);
    await agent.store.leases.release(ensured.lease);
  }

  private deps(mine: Incarnation): Parameters<typeof createAgent>[0] {
    const { scheduler, faults, counters, objects, queues, sender, trace } = this.options;
    const clock = scheduler.clockOf(mine);
    const random = this.rng.fork().asRandom();
    const disk = simulated(scheduler, faults, mine, 'disk', this.faultyDisk(), { faulty: false });
    const reader = simulated(scheduler, faults, mine, 'origin', this.unfaithful(objects));
    return {
      clock,
      random,
      telemetry: this.watch.listening(countingTelemetry(counters, trace, { host: this.id })),
      disk,
      plane: simulated(scheduler, faults, mine, 'plane', this.plane()),
      receiver: simulated(scheduler, faults, mine, 'queue', this.receiving(queues)),
      sender: simulated(scheduler, faults, mine, 'reports', this.reporting(sender)),
      objects: reader,
      transfer: createPortTransfer({ objects: reader, disk, clock, random }, { rangeBytes: 2048, parallelParts: 2 }),
      useCredentials: () => undefined,
      usePrices: () => undefined,
    };
  }

  private config(): Parameters<typeof createAgent>[1] {
    const capacityBytes = Bytes.parse(this.options.capacityBytes);
    return {
      host: { host: this.id, labels: {}, subscriptions: [...this.options.subscriptions], capacityBytes },
      store: {
        capacityBytes,
        headroomBytes: Bytes.parse(0),
        watermarks: { high: 0.85, low: 0.6 },
        volumes: [{ name: COLD, tier: 'ssd', capacityBytes: coldBytes(this.options), headroomBytes: Bytes.parse(0) }],
        partSize: this.options.partSize,
        leaseTtlMs: DurationMs.parse(2 * MINUTE_MS),
        fillAttempts: 3,
        abandonedAfterMs: DurationMs.parse(5 * MINUTE_MS),
        scrubEveryMs: DurationMs.parse(10 * MINUTE_MS),
        scrubBytesPerSecond: Number.POSITIVE_INFINITY,
        eviction: this.eviction,
      },
      commands: { visibilitySeconds: 60, longCommands: 2, mostInHand: 10 },
      pollSeconds: 0,
      mostIdlePauseMs: DurationMs.parse(SECOND_MS),
      accessesEveryMs: DurationMs.parse(MINUTE_MS),
      resolutionTtlMs: DurationMs.parse(10 * SECOND_MS),
    };
  }

  private plane(): AgentPlane {
    const call = (route: PlaneCall) => this.options.plane().call({ method: 'POST', ...route });
    return agentPlaneOver(call, `arn:aws:sts::000000000000:assumed-role/agent/${this.id}`);
  }

  /** Some of the bytes that it reads arrive changed. */
  private unfaithful(objects: ObjectStore): ObjectReader {
    const { faults, scheduler } = this.options;
    const spoils = () => {
      const happens = faults.happens('wrong-bytes');
      if (happens && this.rng.chance(0.05)) this.spoiledUntil = scheduler.now + this.rng.below(LONGEST_SPOILING_MS);
      return happens || (faults.enabled && scheduler.now < this.spoiledUntil);
    };
    return {
      head: (...args) => objects.head(...args),
      async readRange(key, ...rest) {
        const read = await objects.readRange(key, ...rest);
        if (read.outcome !== 'read' || !spoils()) return read;
        const bytes = Uint8Array.from(read.bytes);
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        return { ...read, bytes };
      },
    };
  }

  /** What comes out of its queue is looked at on the way. */
  private receiving(queues: SqliteQueues): SqliteQueues {
    return {
      ...queues,
      receive: async (queue, ...rest) => {
        const messages = await queues.receive(queue, ...rest);
        for (const { body } of messages) this.watch.delivered(queue, body);
        return messages;
      },
    };
  }

  /** What the host says that it has done is looked at as it leaves. */
  private reporting(sender: MessageSender): MessageSender {
    return {
      send: async (queue, messages) => {
        for (const { body } of queue === 'receipts' ? messages : [])
          await this.options.counters.watch(() => this.watch.checkReceipt(body));
        await sender.send(queue, messages);
      },
    };
  }

  /** The disk fails now and then; and what is published or removed is looked at. */
  private faultyDisk(): Disk {
    const { disk } = this;
    const { faults, counters } = this.options;
    const failing = (path: string) => {
      if (!/^(volumes\/cold\/)?(staging|blobs)\//.test(path)) return;
      if (faults.happens('disk-full')) throw new DiskError('no-space', `${path}: no space left on device.`);
      if (faults.happens('disk-io-error')) throw new DiskError('io', `${path}: input/output error.`);
    };
    return {
      ...disk,
      write: async (path, offset, bytes) => {
        failing(path);
        if (path === LEDGER_PATH) await counters.watch(() => this.watch.checkLedger(bytes, this.agent));
        await disk.write(path, offset, bytes);
      },
      allocate: async (path, size) => {
        failing(path);
        await this.quota.claim(path, size);
        await disk.allocate(path, size);
        await counters.watch(() => this.watch.checkBudget(this.agent));
      },
      rename: async (from, to) => {
        await disk.rename(from, to);
        if (/^(volumes\/cold\/)?blobs\//.test(to)) await counters.watch(() => this.watch.checkPublished(to));
      },
      remove: async (path) => {
        await counters.watch(() => this.watch.checkRemoval(path, this.agent));
        await disk.remove(path);
        this.watch.flipped.delete(path);
      },
      space: async (path) => this.quota.limit(path, await disk.space(path)),
    };
  }
}

/** For good, also after a power cut; folders stay, as on any disk that a machine was prepared with. */
async function emptyDisk(disk: MemDisk): Promise<void> {
  const names = disk.tree().map((line) => line.split(' ')[0] ?? line);
  for (const name of names) if (!name.endsWith('/')) await disk.remove(name);
  for (const name of ['./', ...names]) if (name.endsWith('/')) await disk.syncDirectory(name.slice(0, -1));
}
