import type { HostCredentials } from '../events/host-api/v1.ts';
import type { AgentPlane } from '../lib/fleet/index.ts';
import type { HostReadings } from '../lib/hostMetrics/index.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Disk } from '../lib/shared/ports/disk.ts';
import type { MessageReceiver, MessageSender } from '../lib/shared/ports/messageQueue.ts';
import type { ObjectReader } from '../lib/shared/ports/objectStore.ts';
import type { Random } from '../lib/shared/ports/random.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import type { Transfer } from '../lib/shared/ports/transfer.ts';
import type { DurationMs } from '../lib/shared/units.ts';
import { createInbox, type InboxConfig } from './commands/inbox.ts';
import { type AgentSteps, type LoopConfig, runLoops, type StopSignal } from './loops.ts';
import { createLastMinute, type MeasuredMinute } from './metrics/lastMinute.ts';
import { createMeters, type Meters } from './metrics/meters.ts';
import { createSampler, type Sampler } from './metrics/sampler.ts';
import { createModels, type Models } from './models/ensure.ts';
import { createResolver } from './models/resolver.ts';
import type { Ledger } from './nvme/ledger.ts';
import type { StoreConfig } from './nvme/parts.ts';
import { createSteps } from './nvme/steps.ts';
import { openStore, type Store } from './nvme/store.ts';
import { createRepair } from './repair.ts';
import { createAccesses } from './reports/accesses.ts';
import { createHeartbeats } from './reports/heartbeats.ts';
import { createReceipts, localReceipt } from './reports/receipts.ts';
import { createStamps } from './reports/stamps.ts';
import { type HostDescription, openSession, type Session } from './session/session.ts';

/*
 * The agent of one GPU host: it keeps a session with the plane, carries out the commands of its own queue, serves models to
 * inference processes, and reports what it measured. Everything that it must remember is on `disk`; an agent that died is
 * continued by opening another on the same disk. It owns no timer and no module state: `run` drives the same steps that a
 * test or a simulator may drive one by one.
 */
export interface AgentDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly disk: Disk;
  readonly plane: AgentPlane;
  readonly receiver: MessageReceiver;
  readonly sender: MessageSender;
  readonly objects: ObjectReader;
  readonly transfer: Transfer;
  readonly useCredentials: (credentials: HostCredentials) => void;
  readonly usePrices: (books: string) => void;
  /** Absent where the load of the machine is nobody's question. */
  readonly readings?: HostReadings;
}

export interface AgentConfig extends LoopConfig {
  readonly host: HostDescription;
  readonly store: StoreConfig;
  readonly commands: InboxConfig;
  /** Seconds that one receive may wait for a command; at most 20. */
  readonly pollSeconds: number;
  readonly resolutionTtlMs: DurationMs;
  /** That an operator has set for all fetches together. */
  readonly bytesPerSecondLimit?: number;
}

export interface Agent extends AgentSteps {
  readonly store: Store;
  readonly meters: Meters;
  readonly sampler: Sampler;
  /** What heartbeats tell of the last whole minute. */
  readonly lastMinute: () => MeasuredMinute | undefined;
  readonly bytesPerSecondLimit: number | undefined;
  readonly session: Session;
  readonly models: Models;
  /** Drives the steps until `stop` asks for the end, then stops gracefully. */
  run(stop: StopSignal): Promise<void>;
}

/** @throws DiskError when the store cannot be opened. */
export async function createAgent(deps: AgentDeps, config: AgentConfig): Promise<Agent> {
  const { clock, random, telemetry, sender } = deps;
  const opened: { ledger?: Ledger } = {};
  const meters = createMeters(clock);
  const sampler = createSampler(deps.readings);
  const stamps = createStamps(clock, () => opened.ledger?.state.stampedAt ?? 0);
  const session = await openSession(
    {
      ...deps,
      // A drained host that joins again is in service again.
      onNewGeneration: async () => opened.ledger?.commit([{ is: 'draining', draining: false }]),
    },
    config.host,
  );
  const store = await openStore(
    {
      ...deps,
      meters,
      receiptOf: (event, capacity) => localReceipt({ session, stamps, random }, capacity, event),
      // Already while the store opens it evicts what is above its limits.
      onLedger: (ledger) => {
        opened.ledger = ledger;
      },
    },
    config.store,
  );
  telemetry.info('store-opened', { ...store.rebuilt });

  const receipts = createReceipts({ ledger: store.ledger, session, sender, clock, telemetry });
  const lastMinute = createLastMinute({ store, meters, sampler, telemetry }, config);
  const heartbeats = createHeartbeats({ store, session, sender, stamps, clock, telemetry, lastMinute });
  const accesses = createAccesses({ session, sender, clock, random, telemetry });
  const repair = createRepair({ store, session, receipts, heartbeats, clock, telemetry });
  const inbox = createInbox(
    {
      store,
      session,
      receiver: deps.receiver,
      receipts,
      heartbeats,
      stamps,
      repair: () => repair.refetchLost(),
      clock,
      telemetry,
    },
    config.commands,
  );
  const models = createModels({
    store,
    resolver: createResolver({ plane: deps.plane, session, clock, telemetry }, config),
    accesses,
    meters,
    clock,
    onFetched: async (digest, bytesBefore, bytesAfter) => {
      await store.report({ type: 'prefetch', digest, outcome: 'done', code: 'ok', bytesBefore, bytesAfter });
      await receipts.flushOnce();
    },
  });

  async function settled(): Promise<void> {
    await inbox.settled();
    await models.settled();
    await repair.settled();
  }

  const steps: AgentSteps = {
    sessionOnce: () => session.step(),
    pollOnce: () => inbox.pollOnce(config.pollSeconds),
    heartbeatOnce: () => heartbeats.sendOnce(),
    flushReceiptsOnce: () => receipts.flushOnce(),
    flushAccessesOnce: () => accesses.flushOnce(),
    async upkeepOnce() {
      const steps = createSteps(telemetry);
      await steps.attempt('visibility', () => inbox.extendOnce());
      await store.upkeep(steps);
      repair.refetchLost();
      await steps.attempt('old-receipts', () => receipts.forgetOld());
      steps.end();
    },
    scrubOnce: () => repair.scrubOnce(),
    moveOnce: () => store.moves.step(),
    async sampleOnce() {
      await sampler.step();
      meters.turn();
    },
    settled,
    async stop() {
      store.fills.stop();
      await store.scrub.stop();
      await store.moves.stop();
      await settled();
      await receipts.flushOnce();
      await store.saveAccesses();
    },
  };
  return {
    store,
    session,
    models,
    meters,
    sampler,
    lastMinute,
    bytesPerSecondLimit: config.bytesPerSecondLimit,
    ...steps,
    run: (stop) => runLoops(steps, { clock, telemetry, session }, config, stop),
  };
}
