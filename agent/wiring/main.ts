import { realpath } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { makeFolder } from '../../lib/adapters/files/makeFolder.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { startNvidiaSmi } from '../../lib/adapters/node/nvidiaSmi.ts';
import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { createProcReadings } from '../../lib/adapters/node/procReadings.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { proxySettings } from '../../lib/adapters/transfer/http/proxy.ts';
import { sessionHost } from '../../lib/fleet/index.ts';
import type { Failure } from '../../lib/adapters/transfer/failures.ts';
import type { PartMover } from '../../lib/adapters/transfer/partMover.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import type { HostId, VolumeName } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, DAY_MS, DurationMs, HOUR_MS, MINUTE_MS, MIB } from '../../lib/shared/units.ts';
import { type Agent, type AgentConfig, createAgent } from '../agent.ts';
import type { EvictionConfig } from '../nvme/evictionPolicy.ts';
import type { StopSignal } from '../loops.ts';
import { FIRST_VOLUME } from '../nvme/paths.ts';
import { ListenError, type Listening, listenOnLoopback, listenOnSocket } from '../server/listen.ts';
import { createLocalApi } from '../server/localApi.ts';
import { readApiToken } from './apiToken.ts';
import { readJoinToken, registersByToken } from './joinToken.ts';
import { type AgentSettings, invalid, parseSettings, USAGE } from './config.ts';
import { capacityOn } from './capacity.ts';
import { createWeighing } from './eviction.ts';
import { createFailpoints, failingDisk, failingMover, failingReceiver, failingSender } from './failpoints.ts';
import { createPlanePorts } from './createPorts.ts';
import type { PlanePorts } from './ports.ts';
import { createAgentTransfer } from './transfer.ts';
import { type WiredVolumes, wireVolumes } from './volumes.ts';

/*
 * Standard output gets one JSON line when it is ready, the log goes to standard error or a file.
 * Exit codes: 0 stopped as asked, 1 failed, 2 usage. SIGTERM and SIGINT stop it gracefully: fetches keep their verified parts.
 */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const LEASE_TTL_MS = 5 * MINUTE_MS;
/** A graceful stop that takes longer is cut off; everything that matters is on the disk already. */
const STOP_DEADLINE_MS = 10_000;

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const settings = await named(parseSettings(process.argv.slice(2), process.env));
  const stop = stopOnSignals(settings.exitWithParent);
  const logger = createPinoLogger({
    level: settings.logLevel,
    ...(settings.logFile === undefined ? {} : { path: settings.logFile }),
  });
  const telemetry = createPinoTelemetry(logger).with({ host: settings.host });
  if (process.getuid?.() === 0) telemetry.warn('agent-runs-as-root', { hint: 'Run it as a user of its own.' });

  try {
    makeFolder(settings.data);
  } catch (error) {
    throw invalid(`The folder --data cannot be used: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const root = await realpath(settings.data);
  const opened: { agent?: Agent } = {};
  const deps = { agent: () => opened.agent, telemetry };
  const leaseSeconds = LEASE_TTL_MS / 1000;
  // Before the store is opened: whoever has the socket has the store.
  const socket = settings.socket ?? join(root, 'agent.sock');
  const listening = [await listenOnSocket(createLocalApi(deps, { root, leaseSeconds }), socket)];
  const token = await readApiToken(join(root, 'api-token'));
  if (settings.port !== undefined) {
    const app = createLocalApi(deps, { root, leaseSeconds, tcp: { token } });
    listening.push(await listenOnLoopback(app, settings.port));
  }

  const joinToken = await readJoinToken(settings, telemetry);
  const ports = await createPlanePorts(settings, registersByToken(settings));
  const volumes = await wireVolumes(root, settings, telemetry);
  const wired = withFailpoint(volumes.disk, ports, process.env['STRATA_FAILPOINT']);
  const clock = systemClock;
  const { bytesPerSecond, runtime } = settings;
  // The embedded runtime is on loopback, where no proxy leads.
  const proxies = proxySettings(runtime.kind === 'aws' ? process.env : {});
  const { fullPath } = volumes;
  const onAgain = ({ kind }: Failure) => {
    telemetry.metric('RangesTriedAgain', 'Count', 1, { kind });
    opened.agent?.meters.retried(kind);
  };
  const onFirstByte = (ms: number) => opened.agent?.meters.firstByte(ms);
  const engine = { bytesPerSecond, proxies, onAgain, onFirstByte };
  const bytes = createAgentTransfer({ ...wired, fullPath }, engine, wired.wrapMover);
  const readings = createProcReadings(foldersOf(root, settings), startNvidiaSmi());
  const weighing = createWeighing(settings, telemetry);
  const { usePrices } = weighing;
  const config = await agentConfig(settings, volumes, joinToken, weighing.config, telemetry);
  const { transfer } = bytes;
  const agent = await createAgent(
    { ...wired, clock, random: nodeRandom, telemetry, transfer, readings, usePrices },
    config,
  );
  opened.agent = agent;
  announce(settings, root, socket, listening);
  // Not only at the end: an agent that is killed starts fast as well.
  flushCompileCache();

  const running = agent.run(stop);
  await stop.whenRequested;
  setTimeout(() => {
    telemetry.warn('stop-cut-off', { afterMs: STOP_DEADLINE_MS });
    process.exit(EXIT_FAILED);
  }, STOP_DEADLINE_MS).unref();
  await running;
  readings.close();
  await bytes.close();
  await Promise.all(listening.map((one) => one.close()));
}

async function agentConfig(
  settings: NamedSettings,
  { disk, volumes }: WiredVolumes,
  joinToken: string | undefined,
  eviction: EvictionConfig,
  telemetry: Telemetry,
): Promise<AgentConfig> {
  const { totalBytes } = await disk.space();
  const { headroomBytes, zone, bytesPerSecond } = settings;
  const capacityBytes = capacityOn(
    { volume: FIRST_VOLUME, totalBytes, headroomBytes },
    settings.capacityBytes,
    telemetry,
  );
  return {
    host: {
      host: settings.host,
      labels: { ...settings.labels },
      subscriptions: [...settings.subscriptions],
      capacityBytes: nvmeBytes(capacityBytes, volumes),
      ...(zone === undefined ? {} : { zone }),
      ...(joinToken === undefined ? {} : { joinToken }),
    },
    store: {
      capacityBytes,
      headroomBytes,
      volumes,
      watermarks: settings.watermarks,
      partSize: settings.partSize,
      fillAttempts: 10,
      // Holders are told a minute less, so that a late renewal is still in time.
      leaseTtlMs: DurationMs.parse(LEASE_TTL_MS + MINUTE_MS),
      abandonedAfterMs: DurationMs.parse(HOUR_MS),
      scrubEveryMs: DurationMs.parse(7 * DAY_MS),
      scrubBytesPerSecond: 50 * MIB,
      eviction,
    },
    commands: { visibilitySeconds: 60, longCommands: 4, mostInHand: 50 },
    pollSeconds: 20,
    mostIdlePauseMs: DurationMs.parse(settings.idlePauseMs),
    accessesEveryMs: DurationMs.parse(MINUTE_MS),
    resolutionTtlMs: DurationMs.parse(30_000),
    ...(Number.isFinite(bytesPerSecond) ? { bytesPerSecondLimit: bytesPerSecond } : {}),
  };
}

function foldersOf(root: string, { volumes }: AgentSettings): ReadonlyMap<VolumeName, string> {
  return new Map([[FIRST_VOLUME, root], ...volumes.map(({ name, path }) => [name, path] as const)]);
}

function nvmeBytes(first: Bytes, others: WiredVolumes['volumes']): Bytes {
  const nvme = others.filter(({ tier }) => tier === 'nvme');
  return Bytes.parse(nvme.reduce<number>((sum, { capacityBytes }) => sum + capacityBytes, first));
}

/** The SDK is loaded only where it is needed. */
async function awsArn(region: string): Promise<string> {
  const { callerArn } = await import('../../lib/adapters/aws/callerArn.ts');
  return callerArn(region);
}

type NamedSettings = AgentSettings & { readonly host: HostId };

async function named(settings: AgentSettings): Promise<NamedSettings> {
  const { host, runtime } = settings;
  if (host !== undefined) return { ...settings, host };
  const arn = runtime.kind === 'aws' ? await awsArn(runtime.region) : '';
  const own = sessionHost(arn);
  if (own !== undefined) return { ...settings, host: own };
  throw new ContractError({
    code: 'invalid-config',
    message: `--host is needed: ${arn} is no role session that could name a host.`,
    retryable: false,
  });
}

interface Wired extends PlanePorts {
  readonly disk: Disk;
  readonly wrapMover: (mover: PartMover) => PartMover;
}

function withFailpoint(disk: Disk, ports: PlanePorts, setting: string | undefined): Wired {
  if (setting === undefined || setting === '') return { ...ports, disk, wrapMover: (mover) => mover };
  const points = createFailpoints(setting, () => process.kill(process.pid, 'SIGKILL'));
  return {
    ...ports,
    disk: failingDisk(disk, points),
    wrapMover: (mover) => failingMover(mover, points),
    receiver: failingReceiver(ports.receiver, points),
    sender: failingSender(ports.sender, points),
  };
}

function announce(settings: NamedSettings, root: string, socket: string, listening: readonly Listening[]): void {
  const port = listening.find((one) => one.port !== undefined)?.port;
  const ready = {
    schema: 'agent-ready/1',
    host: settings.host,
    pid: process.pid,
    data: root,
    socket,
    url: port === undefined ? null : `http://127.0.0.1:${port}`,
    tokenFile: join(root, 'api-token'),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

function stopOnSignals(exitWithParent: boolean): StopSignal {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signal = { requested: false, whenRequested: promise };
  const request = () => {
    signal.requested = true;
    resolve();
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, request);
  if (exitWithParent) {
    process.on('disconnect', request);
    process.stdin.on('end', request).on('error', request).resume();
  }
  return signal;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const usage = error instanceof ContractError && error.code === 'invalid-config';
  const expected = usage || error instanceof ListenError;
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  if (usage) process.stderr.write('See --help.\n');
  process.exit(usage ? EXIT_USAGE : EXIT_FAILED);
}
