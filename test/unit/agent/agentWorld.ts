import { CommandReceipt } from '../../../events/command-receipt/v1.ts';
import type { Command } from '../../../events/host-command/v1.ts';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import type { HostSession, Problem, RegisterHost, ResolvedModel } from '../../../events/host-api/v1.ts';
import { AccessesReported } from '../../../events/accesses-reported/v1.ts';
import { SignedEnvelope } from '../../../events/signed-envelope/v1.ts';
import type { AgentConfig } from '../../../agent/agent.ts';
import { type Agent, createAgent } from '../../../agent/agent.ts';
import type { EvictionConfig } from '../../../agent/nvme/evictionPolicy.ts';
import { createRangedTransfer } from '../../../lib/adapters/transfer/rangedTransfer.ts';
import {
  type AgentPlane,
  generateKeyPair,
  hostKeyId,
  type PlaneAnswer,
  signEnvelope,
  verifyEnvelope,
} from '../../../lib/fleet/index.ts';
import { blobDigest, blobKey, manifestKey, partHash } from '../../../lib/shared/digest.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import {
  ActionId,
  CorrelationId,
  type Digest,
  Generation,
  HostId,
  hostQueue,
  KeySegment,
  ModelName,
  SemVer,
} from '../../../lib/shared/ids.ts';
import type { ReceivedMessage } from '../../../lib/shared/ports/messageQueue.ts';
import type { HeadOutcome, ObjectReader } from '../../../lib/shared/ports/objectStore.ts';
import type { Telemetry } from '../../../lib/shared/ports/telemetry.ts';
import { Bytes, DurationMs, EpochMs, Usd } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';

/*
 * One host and a plane that is only as real as the agent's ports can see: a queue with visibility, an origin of blobs, a
 * registry. `boot` starts an incarnation of the agent on the same disk; `crash` lets none of its calls settle any more.
 */
export const PART = 64;
export const HOST = HostId.parse('gpu-a');
const NAME = ModelName.parse('tiny');
const VERSION = SemVer.parse('1.0.0');

export interface TestBlob {
  readonly digest: Digest;
  readonly size: Bytes;
  readonly bytes: Uint8Array;
}

interface Queued {
  readonly id: number;
  readonly body: string;
  visibleAt: number;
  receives: number;
  handle: string;
}

/** A miss costs its bytes. */
const EVICTION: EvictionConfig = {
  missCost: (bytes) => ({ ms: bytes, usd: Usd.parse(bytes / 1e6) }),
  weighs: 'wait',
};

const silent: Telemetry = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  metric: () => undefined,
  with: () => silent,
};

export function createAgentWorld(options: { capacity?: number; volume?: number; disk?: MemDisk } = {}) {
  const clock = createManualClock();
  const disk = options.disk ?? createMemDisk({ totalBytes: options.volume ?? 2 ** 30, now: () => clock.now() });
  const planeKey = generateKeyPair('plane-1', countedRandom(7));
  const strangerKey = generateKeyPair('plane-1', countedRandom(8_000));
  const objects = new Map<string, Uint8Array>();
  const queue: Queued[] = [];
  const sent = {
    receipts: [] as CommandReceipt[],
    heartbeats: [] as HostHeartbeat[],
    accesses: [] as AccessesReported[],
  };
  const registry = { generation: 0, publicKey: '', registrations: [] as RegisterHost[], fenced: false, offline: false };
  const models = new Map<string, ResolvedModel>();
  const problems = new Map<string, Problem>();
  const counters = { rangeReads: 0, resolves: 0, calls: 0, actions: 0, messages: 0 };
  const hooks: { beforeRead?: (key: string, offset: number) => Promise<void> } = {};
  const random = countedRandom(1);
  let incarnation = 0;
  let crashAtCall = Number.POSITIVE_INFINITY;

  const reader: ObjectReader = {
    async head(key): Promise<HeadOutcome> {
      const bytes = objects.get(key);
      if (bytes === undefined) return { outcome: 'absent' };
      const lastModified = EpochMs.parse(0);
      const head = {
        key,
        versionId: 'v1',
        size: bytes.length,
        etag: 'e',
        storageClass: 'STANDARD' as const,
        lastModified,
      };
      return { outcome: 'found', head: { ...head, metadata: {} } };
    },
    async readRange(key, _versionId, offset, length) {
      counters.rangeReads += 1;
      await hooks.beforeRead?.(key, offset);
      const bytes = objects.get(key);
      return bytes === undefined
        ? { outcome: 'absent' }
        : { outcome: 'read', bytes: bytes.slice(offset, offset + length) };
    },
  };

  const plane: AgentPlane = {
    async register(request) {
      if (registry.offline) throw unavailable();
      // The same key again is the same registration: its answer was lost.
      if (registry.publicKey !== request.publicKey) registry.generation += 1;
      registry.publicKey = request.publicKey;
      registry.registrations.push(request);
      registry.fenced = false;
      return { outcome: 'answered', value: sessionNow() };
    },
    async rejoin(envelope) {
      if (registry.offline) throw unavailable();
      const rejoin = JSON.parse(envelope.payload) as { registration: RegisterHost };
      return plane.register(rejoin.registration);
    },
    async refresh() {
      if (registry.offline) throw unavailable();
      return registry.fenced ? refusal('stale-generation') : { outcome: 'answered', value: sessionNow() };
    },
    async resolve(envelope) {
      if (registry.offline) throw unavailable();
      counters.resolves += 1;
      const { model, reference } = JSON.parse(envelope.payload) as { model: string; reference: string };
      const found = models.get(`${model}@${reference}`);
      const problem = problems.get(reference);
      if (problem !== undefined) return { outcome: 'refused', problem };
      return found === undefined ? refusal('unknown-model') : { outcome: 'answered', value: found };
    },
  };

  function sessionNow(): HostSession {
    const generation = Generation.parse(registry.generation);
    return {
      protocol: 1,
      host: HOST,
      generation,
      queue: hostQueue(HOST, generation),
      credentials: {
        accessKeyId: 'a',
        secretAccessKey: 's',
        sessionToken: 't',
        expiresAt: EpochMs.parse(clock.now() + 3_600_000),
      },
      commandKeys: [{ keyId: planeKey.keyId, publicKey: planeKey.publicKey }],
      heartbeatSeconds: 10,
    };
  }

  const receiver = {
    async receive(_queue: string, max: number, _wait: number, visibility: number): Promise<ReceivedMessage[]> {
      const now = clock.now();
      const due = queue.filter((message) => message.visibleAt <= now).slice(0, max);
      return due.map((message) => {
        message.visibleAt = now + visibility * 1000;
        message.receives += 1;
        message.handle = `${message.id}/${message.receives}`;
        const { id, body, handle, receives } = message;
        return { messageId: String(id), body, receiptHandle: handle, receiveCount: receives };
      });
    },
    async remove(_queue: string, handle: string): Promise<void> {
      const at = queue.findIndex((message) => message.handle === handle);
      if (at >= 0) queue.splice(at, 1);
    },
    async changeVisibility(_queue: string, handle: string, seconds: number): Promise<void> {
      const message = queue.find((one) => one.handle === handle);
      if (message !== undefined) message.visibleAt = clock.now() + seconds * 1000;
    },
  };

  const sender = {
    async send(to: string, messages: readonly { body: string }[]): Promise<void> {
      if (registry.offline) throw unavailable();
      for (const { body } of messages) {
        const envelope = SignedEnvelope.parse(JSON.parse(body));
        const generation = Generation.parse(registry.generation);
        const keys = [{ keyId: hostKeyId(HOST, generation), publicKey: registry.publicKey }];
        if (to === 'receipts') sent.receipts.push(opened(verifyEnvelope(envelope, CommandReceipt, keys)));
        if (to === 'heartbeats') sent.heartbeats.push(opened(verifyEnvelope(envelope, HostHeartbeat, keys)));
        if (to === 'accesses') sent.accesses.push(opened(verifyEnvelope(envelope, AccessesReported, keys)));
      }
    },
  };

  /** From a crash on, no call of that incarnation settles; the call that it falls on may have had its effect. */
  function mortal<T extends object>(port: T, mine: number, counted: boolean): T {
    return new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          if (mine !== incarnation) return never();
          if (counted) counters.calls += 1;
          if (counters.calls >= crashAtCall) incarnation += 1;
          const answer: unknown = await Reflect.apply(member, target, args);
          return mine === incarnation ? answer : never();
        };
      },
    });
  }

  async function boot(overrides: Partial<AgentConfig['store']> = {}): Promise<Agent> {
    incarnation += 1;
    const mine = incarnation;
    const mortalDisk = mortal<MemDisk>(disk, mine, true);
    const mortalObjects = mortal(reader, mine, false);
    const deps = {
      clock,
      random,
      telemetry: silent,
      disk: mortalDisk,
      plane: mortal(plane, mine, false),
      receiver: mortal(receiver, mine, false),
      sender: mortal(sender, mine, false),
      objects: mortalObjects,
      transfer: createRangedTransfer(
        { objects: mortalObjects, disk: mortalDisk, clock, random },
        { rangeBytes: 32, parallelParts: 2 },
      ),
      useCredentials: () => undefined,
    };
    const capacity = Bytes.parse(options.capacity ?? 10_000);
    const agent = await createAgent(deps, {
      host: { host: HOST, labels: {}, subscriptions: [], capacityBytes: capacity },
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

  function addBlob(size: number, seed = size): TestBlob {
    const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed * 17) % 251);
    const parts = Array.from({ length: Math.ceil(size / PART) }, (_, at) =>
      partHash(bytes.subarray(at * PART, (at + 1) * PART)),
    );
    const digest = blobDigest(size, PART, parts);
    objects.set(blobKey(digest), bytes);
    const manifest = { schema: 'strata-parts-1', digest, size, partSize: PART, parts };
    objects.set(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
    return { digest, size: Bytes.parse(size), bytes };
  }

  function prefetchOf(blob: TestBlob, file = 'model.safetensors'): Command {
    const entry = {
      model: NAME,
      version: VERSION,
      file: KeySegment.parse(file),
      kind: 'checkpoints',
      role: 'weights',
    } as const;
    return {
      type: 'prefetch',
      digest: blob.digest,
      size: blob.size,
      origin: { key: blobKey(blob.digest), versionId: 'v1' },
      entries: [{ ...entry, publishedAt: EpochMs.parse(1) }],
    };
  }

  /** Signs a command for this host's current generation and puts it into its queue; overrides make it a bad one. */
  function command(
    payload: Command,
    overrides: {
      generation?: number;
      host?: HostId;
      ttlMs?: number;
      issuedAt?: number;
      actionId?: string;
      forged?: true;
    } = {},
  ): ActionId {
    counters.actions += 1;
    const actionId = ActionId.parse(overrides.actionId ?? `a-${counters.actions}`);
    const issuedAt = EpochMs.parse(overrides.issuedAt ?? clock.now());
    const body = {
      schema: 'host-command/1' as const,
      actionId,
      host: overrides.host ?? HOST,
      generation: Generation.parse(overrides.generation ?? registry.generation),
      issuedAt,
      expiresAt: EpochMs.parse(issuedAt + (overrides.ttlMs ?? 3_600_000)),
      correlationId: CorrelationId.parse('c'),
      command: payload,
    };
    enqueue(JSON.stringify(signEnvelope(body, overrides.forged === true ? strangerKey : planeKey)));
    return actionId;
  }

  function enqueue(body: string): void {
    counters.messages += 1;
    queue.push({ id: counters.messages, body, visibleAt: 0, receives: 0, handle: '' });
  }

  /** What the plane refuses a reference with from now on; without a problem it answers again. */
  function refuse(reference: string, problem?: Problem): void {
    if (problem === undefined) problems.delete(reference);
    else problems.set(reference, problem);
  }

  function publish(reference: string, files: Record<string, TestBlob>, version = VERSION): void {
    models.set(`tiny@${reference}`, {
      model: NAME,
      version,
      publishedAt: EpochMs.parse(1),
      files: Object.entries(files).map(([file, blob]) => ({
        file: KeySegment.parse(file),
        role: file.endsWith('.json') ? 'config' : 'weights',
        kind: 'checkpoints',
        digest: blob.digest,
        size: blob.size,
        origin: { key: blobKey(blob.digest), versionId: 'v1' },
      })),
    });
  }

  return {
    clock,
    disk,
    objects,
    queue,
    sent,
    registry,
    counters,
    hooks,
    NAME,
    boot,
    addBlob,
    prefetchOf,
    command,
    enqueue,
    publish,
    refuse,
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
    redeliver: () => {
      for (const message of queue) message.visibleAt = 0;
    },
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

function refusal(code: 'stale-generation' | 'unknown-model'): PlaneAnswer<never> {
  return { outcome: 'refused', problem: { status: code === 'unknown-model' ? 404 : 409, code, title: code, hint: '' } };
}

function opened<T>(answer: { outcome: 'verified'; value: T } | { outcome: 'refused'; reason: string }): T {
  if (answer.outcome === 'refused') throw new Error(`The plane would refuse this report: ${answer.reason}`);
  return answer.value;
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
