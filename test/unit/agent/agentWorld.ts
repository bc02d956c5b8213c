import { AccessesReported } from '../../../events/accesses-reported/v1.ts';
import { CommandReceipt } from '../../../events/command-receipt/v1.ts';
import type { Command } from '../../../events/host-command/v1.ts';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { SignedEnvelope } from '../../../events/signed-envelope/v1.ts';
import type { AgentConfig } from '../../../agent/agent.ts';
import { type Agent, createAgent } from '../../../agent/agent.ts';
import type { EvictionConfig } from '../../../agent/nvme/evictionPolicy.ts';
import { createPortTransfer } from '../../../lib/adapters/transfer/portTransfer.ts';
import { type AgentPlane, generateKeyPair, openReport } from '../../../lib/fleet/index.ts';
import type { HostReadings } from '../../../lib/hostMetrics/index.ts';
import { blobDigest, partHash } from '../../../lib/shared/digest.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import { type ActionId, HostId } from '../../../lib/shared/ids.ts';
import type { Clock } from '../../../lib/shared/ports/clock.ts';
import type { MessageReceiver, MessageSender } from '../../../lib/shared/ports/messageQueue.ts';
import type { ObjectReader } from '../../../lib/shared/ports/objectStore.ts';
import { Bytes, DurationMs, EpochMs, Usd } from '../../../lib/shared/units.ts';
import { agentPlaneOver } from '../../support/agentPlaneOver.ts';
import { blobOf, type CommandOverrides, createAgentPlane, type TestBlob, TINY } from '../../support/agentPlane.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

/*
 * One host before a plane of embedded adapters. `boot` starts an incarnation of the agent on the same disk; `crash` lets none
 * of its calls settle any more.
 */
export const PART = 64;
export const HOST = HostId.parse('gpu-a');

export type { TestBlob };

/** Bytes that differ by size and seed, as a blob; no world is needed to know its digest. */
export function testBlob(size: number, seed = size): TestBlob {
  return blobOf(
    Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed * 17) % 251),
    PART,
  );
}

/** Calls of a disk that leave it as it was. */
const LOOKS: ReadonlySet<string> = new Set(['read', 'list', 'stat', 'readLinks', 'space']);

/** A miss costs its bytes. */
const EVICTION: EvictionConfig = {
  missCost: (bytes) => ({ ms: bytes, usd: Usd.parse(bytes / 1e6) }),
  weighs: 'wait',
  waitUsd: () => 0,
  wearUsdPerByte: 0,
};

export interface AgentWorldOptions {
  readonly capacity?: number;
  readonly volume?: number;
  readonly disk?: MemDisk;
  readonly readings?: HostReadings;
}

export function createAgentWorld(options: AgentWorldOptions = {}) {
  const clock = createManualClock();
  const disk = options.disk ?? createMemDisk({ totalBytes: options.volume ?? 2 ** 30, now: () => clock.now() });
  const random = countedRandom(1);
  const plane = createAgentPlane({ clock, random, disk: createMemDisk(), partSize: PART });
  const stranger = generateKeyPair('plane-1', countedRandom(8_000));
  const joinToken = plane.joinToken(HOST);
  const sent = {
    receipts: [] as CommandReceipt[],
    heartbeats: [] as HostHeartbeat[],
    accesses: [] as AccessesReported[],
  };
  const recorded = recordedTelemetry();
  const registry = { generation: 0, offline: false };
  const counters = { rangeReads: 0, calls: 0, actions: 0 };
  const hooks: {
    beforeRead?: (key: string, offset: number) => Promise<void>;
    /** Before the visibility of a running command's message is extended. */
    beforeExtension?: () => Promise<void>;
    /** What the origin answers instead of these bytes. */
    damage?: (key: string, bytes: Uint8Array, offset: number) => Uint8Array;
    /** Loses the answer of the next registration. */
    loseAnswer?: boolean;
    /** What the queues answer to every call. */
    queueError?: (queue: string) => Error;
    /** How far the host's clock is ahead of the plane's. */
    clockAheadMs?: number;
  } = {};
  const ownClock: Clock = { ...clock, now: () => EpochMs.parse(clock.now() + (hooks.clockAheadMs ?? 0)) };
  let incarnation = 0;
  let crashAtCall = Number.POSITIVE_INFINITY;
  /** Whether the plane was called since the last counted call to the disk. */
  let called = false;

  const reader: ObjectReader = {
    ...plane.reader,
    async readRange(key, versionId, offset, length) {
      counters.rangeReads += 1;
      await hooks.beforeRead?.(key, offset);
      const read = await plane.reader.readRange(key, versionId, offset, length);
      if (read.outcome !== 'read' || hooks.damage === undefined) return read;
      return { outcome: 'read', bytes: hooks.damage(key, read.bytes, offset) };
    },
  };

  const routes = agentPlaneOver(plane.call);
  const reachable: AgentPlane = {
    register: (request) => asked(() => routes.register(request)),
    rejoin: (envelope) => asked(() => routes.rejoin(envelope)),
    refresh: (envelope) => asked(() => routes.refresh(envelope)),
    resolve: (envelope) => asked(() => routes.resolve(envelope)),
  };

  async function asked<T extends Awaited<ReturnType<AgentPlane['register' | 'resolve']>>>(
    ask: () => Promise<T>,
  ): Promise<T> {
    if (registry.offline) throw unavailable();
    const answer = await ask();
    const begun = (await plane.host(HOST))?.generation ?? 0;
    const lost = hooks.loseAnswer === true && begun > registry.generation;
    registry.generation = begun;
    if (!lost) return answer;
    hooks.loseAnswer = false;
    throw unavailable();
  }

  const receiver: MessageReceiver = {
    async receive(...args) {
      if (hooks.queueError !== undefined) throw hooks.queueError(args[0]);
      await plane.ready();
      return plane.queues.receive(...args);
    },
    remove: (...args) => plane.queues.remove(...args),
    async changeVisibility(...args) {
      await hooks.beforeExtension?.();
      return plane.queues.changeVisibility(...args);
    },
  };

  const sender: MessageSender = {
    async send(to, messages) {
      if (registry.offline) throw unavailable();
      if (hooks.queueError !== undefined) throw hooks.queueError(to);
      for (const { body } of messages) {
        const envelope = SignedEnvelope.parse(JSON.parse(body));
        if (to === 'receipts') sent.receipts.push(await believed(envelope, CommandReceipt));
        if (to === 'heartbeats') sent.heartbeats.push(await believed(envelope, HostHeartbeat));
        if (to === 'accesses') sent.accesses.push(await believed(envelope, AccessesReported));
      }
      await plane.queues.send(to, messages);
    },
  };

  async function believed<T extends CommandReceipt | HostHeartbeat | AccessesReported>(
    envelope: SignedEnvelope,
    schema: Parameters<typeof openReport<T>>[2],
  ): Promise<T> {
    const opened = await openReport(plane.catalog, envelope, schema);
    if (opened.outcome === 'accepted') return opened.report;
    throw new Error(`The plane would not believe this report: ${opened.reason}`);
  }

  /**
   * From a crash on, no call of that incarnation settles; the call that it falls on has had its effect. A look at the disk
   * counts only after a call to the plane: else who dies at it leaves behind what who died at the counted call before it did.
   */
  function mortal<T extends object>(port: T, mine: number, kind: 'disk' | 'plane' | 'origin'): T {
    return new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          if (mine !== incarnation) return never();
          if (kind === 'plane') called = true;
          if (kind === 'disk' && (called || !LOOKS.has(String(name)))) {
            counters.calls += 1;
            called = false;
          }
          if (counters.calls >= crashAtCall) incarnation += 1;
          const answer: unknown = await Reflect.apply(member, target, args);
          return mine === incarnation ? answer : never();
        };
      },
    });
  }

  async function boot(overrides: Partial<AgentConfig['store']> = {}, on = disk): Promise<Agent> {
    incarnation += 1;
    const mine = incarnation;
    const mortalDisk = mortal<MemDisk>(on, mine, 'disk');
    const mortalObjects = mortal(reader, mine, 'origin');
    const deps = {
      clock: ownClock,
      random,
      telemetry: recorded.telemetry,
      disk: mortalDisk,
      plane: mortal(reachable, mine, 'plane'),
      receiver: mortal(receiver, mine, 'plane'),
      sender: mortal(sender, mine, 'plane'),
      objects: mortalObjects,
      transfer: createPortTransfer(
        { objects: mortalObjects, disk: mortalDisk, clock: ownClock, random },
        { rangeBytes: 32, parallelParts: 2 },
      ),
      useCredentials: () => undefined,
      usePrices: () => undefined,
      ...(options.readings === undefined ? {} : { readings: options.readings }),
    };
    const capacity = Bytes.parse(options.capacity ?? 10_000);
    const agent = await createAgent(deps, {
      host: { host: HOST, joinToken: await joinToken, labels: {}, subscriptions: [], capacityBytes: capacity },
      store: {
        capacityBytes: capacity,
        headroomBytes: Bytes.parse(0),
        partSize: PART,
        fillAttempts: 3,
        leaseTtlMs: DurationMs.parse(60_000),
        abandonedAfterMs: DurationMs.parse(20_000),
        scrubEveryMs: DurationMs.parse(40_000),
        scrubBytesPerSecond: Number.POSITIVE_INFINITY,
        eviction: EVICTION,
        ...overrides,
      },
      commands: { visibilitySeconds: 30, longCommands: 2, mostInHand: 20 },
      pollSeconds: 0,
      mostIdlePauseMs: DurationMs.parse(1000),
      accessesEveryMs: DurationMs.parse(1000),
      resolutionTtlMs: DurationMs.parse(10_000),
    });
    await agent.sessionOnce();
    return agent;
  }

  return {
    clock,
    disk,
    sent,
    telemetry: recorded,
    registry,
    counters,
    hooks,
    NAME: TINY,
    /** Of the plane. */
    settings: plane.settings,
    boot,
    addBlob: (size: number, seed = size) => plane.addBlob(testBlob(size, seed).bytes),
    prefetchOf: plane.prefetchOf,
    publish: plane.publish,
    replaceObject: plane.replaceObject,
    removeObject: plane.removeObject,
    setClass: plane.setClass,
    /** Ends the host's generation, as a day of silence does. */
    retire: () => plane.retire(HOST),
    /** Signs a command for this host's current generation and puts it into its queue; overrides make it a bad one. */
    command(payload: Command, overrides: Omit<CommandOverrides, 'key'> & { readonly forged?: true } = {}): ActionId {
      counters.actions += 1;
      const { forged, ...rest } = overrides;
      return plane.command(HOST, registry.generation, payload, { ...rest, ...(forged ? { key: stranger } : {}) });
    },
    enqueue: (body: string) => plane.enqueue(HOST, registry.generation, body),
    /** Messages of the host's queue that nobody has removed. */
    async waiting(): Promise<number> {
      await plane.ready();
      const counts = plane.queues.counts().filter(({ queue }) => queue.startsWith(`host-${HOST}-`));
      return counts.reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0);
    },
    crash: () => {
      incarnation += 1;
    },
    crashAtCall: (call: number) => {
      counters.calls = 0;
      crashAtCall = call;
    },
    /** Polls and waits until nothing is being carried out. */
    async work(agent: Agent): Promise<void> {
      await agent.pollOnce();
      await agent.settled();
    },
    /** Makes every message that was not removed visible again. */
    redeliver: () => plane.queues.release(`host-${HOST}-${registry.generation}`),
    /** Visible blobs whose bytes are not what their name says. */
    async wrongBlobs(): Promise<string[]> {
      const wrong: string[] = [];
      for (const line of disk.tree()) {
        const path = line.split(' ')[0] ?? line;
        const digest = /^blobs\/..\/([0-9a-f]{64})$/.exec(path)?.[1];
        if (digest === undefined) continue;
        const stat = await disk.stat(path);
        const bytes = await disk.read(path, 0, stat?.size ?? 0);
        const parts = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, at) =>
          partHash(bytes.subarray(at * PART, (at + 1) * PART)),
        );
        if (blobDigest(bytes.length, PART, parts) !== digest) wrong.push(path);
      }
      return wrong;
    },
    /** What blobs and staging files really take. */
    async bytesOnDisk(): Promise<number> {
      let sum = 0;
      for (const line of disk.tree()) {
        const path = line.split(' ')[0] ?? line;
        if (/^(blobs|staging)\/.*[^/]$/.test(path)) sum += (await disk.stat(path))?.size ?? 0;
      }
      return sum;
    },
  };
}

export type AgentWorld = ReturnType<typeof createAgentWorld>;

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function unavailable(): PortError {
  return new PortError({ code: 'unavailable', message: 'The plane is away.', retryable: true });
}

function countedRandom(seed: number) {
  let next = seed;
  return {
    number: () => 0.5,
    id: () => {
      next += 1;
      return next.toString(16).padStart(32, '0');
    },
  };
}
