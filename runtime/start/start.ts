import { SET_FILE } from '../../events/upload-set/v1.ts';
import { createHttpsPriceLists } from '../../lib/adapters/https/httpsPriceLists.ts';
import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { HostRow, UploadRow } from '../../lib/catalog/index.ts';
import { ownBookSettings } from '../../lib/priceBooks/index.ts';
import type { ScanPolicy } from '../../lib/scanning/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { type HostId, HostPattern } from '../../lib/shared/ids.ts';
import { type Bytes, SECOND_MS } from '../../lib/shared/units.ts';
import { takeDataFolder } from '../dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../embeddedRuntime.ts';
import { AgentLostError, type AgentProcess, hostFolder, launchAgent, type LaunchedAgent } from './agents.ts';
import { type Followed, follow, type Milestone } from './follow.ts';
import type { StartOptions } from './options.ts';
import { revivalPause } from './revivalPause.ts';
import { createTimeline, describeMilestone, describeUploaded, type Timeline } from './timeline.ts';
import { subjectOf } from './verify.ts';

/** For one list of prices. */
const LIST_MS = 45_000;

/*
 * `npm start`: the embedded runtime and its hosts' agents, with a line for whatever becomes of each upload. Life: folder taken →
 * runtime up → agents registered → (used) → agents stopped → runtime stopped → folder released. `abandon` does the same in
 * no time and without a word, for the last moment of the process.
 */
export interface Started {
  readonly runtime: EmbeddedRuntime;
  readonly agents: readonly AgentProcess[];
  readonly timeline: Timeline;
  /** Resolves with everything that became of an upload, when its end is reached. */
  outcome(key: string): Promise<readonly Milestone[]>;
  stop(): Promise<void>;
}

export interface Starting {
  readonly started: Promise<Started>;
  abandon(): void;
}

export interface StartingOptions {
  readonly data: string | undefined;
  readonly port: number;
  readonly hosts: readonly HostId[];
  readonly capacityBytes: Bytes;
  readonly sweeps: StartOptions['sweeps'];
  readonly policies: StartOptions['policies'];
  readonly limits: StartOptions['limits'];
  readonly scanPolicy: ScanPolicy;
  readonly prices: StartOptions['prices'];
  readonly signal: AbortSignal;
  readonly write: (line: string) => void;
}

const REGISTERED_WITHIN_MS = 20 * SECOND_MS;

export function begin(options: StartingOptions): Starting {
  const folder = takeDataFolder(options.data);
  const agents = new Map<HostId, LaunchedAgent>();
  const pauses = new Map<HostId, number>();
  let stopping = false;
  const timeline = createTimeline(options.write, () => performance.now());
  const following = new Map<string, Promise<readonly Milestone[]>>();
  let runtime: EmbeddedRuntime | undefined;

  async function start(): Promise<Started> {
    const logFile = folder.at('logs', 'runtime.jsonl');
    const telemetry = createPinoTelemetry(createPinoLogger({ level: 'info', path: logFile }));
    const { origin } = options.prices;
    const up = await startEmbeddedRuntime({
      folder,
      port: options.port,
      telemetry,
      onUploaded,
      settings: {
        ...options.sweeps,
        ...options.policies,
        ...options.limits,
        scanPolicy: options.scanPolicy,
        priceRegion: options.prices.region,
        ...ownBookSettings(options.prices.book),
      },
      ...(origin === undefined ? {} : { priceLists: createHttpsPriceLists({ origin, deadlineMs: LIST_MS }) }),
    });
    runtime = up;
    timeline.say(`Strata is up at ${up.url}, its data in ${folder.path}`);
    const registered = await Promise.all(options.hosts.map((host) => startHost(up, host)));
    return { runtime: up, agents: registered, timeline, outcome, stop };
  }

  async function startHost(up: EmbeddedRuntime, host: HostId): Promise<AgentProcess> {
    options.signal.throwIfAborted();
    const { token } = await up.operations.createJoinToken({ hosts: HostPattern.parse(host), uses: 1, validMinutes: 5 });
    if (stopping) throw new Error('Strata is stopping.');
    const launchedAt = performance.now();
    const launched = launchAgent({
      host,
      folder: hostFolder(folder.path, host),
      plane: up.url,
      joinToken: token,
      logFile: folder.at('logs', `${host}.jsonl`),
      capacityBytes: options.capacityBytes,
      onEnded(reason) {
        const pauseMs = pauseOf(host, performance.now() - launchedAt);
        timeline.tell(host, 'ended', `${reason}. It is started again in ${pauseMs / SECOND_MS} s`);
        void revive(up, host, pauseMs);
      },
    });
    agents.set(host, launched);
    const agent = await launched.ready;
    const deadline = performance.now() + REGISTERED_WITHIN_MS;
    while ((await HostRow.get(up.deps.catalog, host))?.value.state !== 'active') {
      options.signal.throwIfAborted();
      if (performance.now() > deadline)
        throw new AgentLostError(`${host} did not register within 20 s. See ${folder.at('logs')}.`);
      await up.deps.clock.sleep(50);
    }
    timeline.tell(host, 'registered', '');
    return agent;
  }

  function pauseOf(host: HostId, upMs: number): number {
    const pauseMs = revivalPause(pauses.get(host), upMs);
    pauses.set(host, pauseMs);
    return pauseMs;
  }

  /** A host's agent that ended by itself is started again: whatever it had is on its disk. */
  async function revive(up: EmbeddedRuntime, host: HostId, firstMs: number): Promise<void> {
    // It may also be that none can be launched: while the disk is full, say.
    for (let pauseMs = firstMs; ; pauseMs = pauseOf(host, 0)) {
      await up.deps.clock.sleep(pauseMs);
      if (stopping) return;
      const ended = agents.get(host);
      try {
        await startHost(up, host);
        return;
      } catch (error) {
        timeline.tell(host, 'lost', errorText(error));
        // Of one that was launched, its own end tells when to try again.
        if (agents.get(host) !== ended) return;
      }
    }
  }

  function onUploaded(key: string, versionId: string, size: number): void {
    // What closes a set is no file of anybody's.
    if (!key.endsWith(`/${SET_FILE}`)) timeline.tell(subjectOf(key), 'uploaded', describeUploaded(size));
    const told = tellOutcome({ key, versionId });
    // Whoever asks for the outcome hears of the failure; nobody may ask.
    told.catch(() => undefined);
    following.set(key, told);
  }

  async function tellOutcome(upload: Followed): Promise<readonly Milestone[]> {
    const all: Milestone[] = [];
    if (runtime === undefined) return all;
    const { catalog } = runtime.deps;
    for await (const milestone of follow(catalog, upload, options.hosts, options.signal)) {
      const row = (await UploadRow.get(catalog, upload.key, upload.versionId))?.value;
      const target = row?.target;
      const subject = target === undefined ? upload.key : `${target.model}@${target.version}`;
      timeline.tell(subject, milestone.stage, describeMilestone(milestone));
      all.push(milestone);
    }
    return all;
  }

  async function outcome(key: string): Promise<readonly Milestone[]> {
    return (await following.get(key)) ?? [];
  }

  async function stop(): Promise<void> {
    stopping = true;
    await Promise.all([...agents.values()].map((agent) => agent.stop()));
    await runtime?.stop();
    if (runtime === undefined) folder.discard();
    else folder.release();
  }

  return {
    started: start().catch(async (error: unknown) => {
      await stop();
      throw error;
    }),
    abandon() {
      stopping = true;
      for (const agent of agents.values()) agent.kill();
      folder.release();
    },
  };
}
