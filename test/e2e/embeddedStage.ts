import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { HostPattern } from '../../lib/shared/ids.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';
import { takeDataFolder } from '../../runtime/dataFolder.ts';
import { scheduleEvent } from '../../runtime/envelopes.ts';
import { type EmbeddedRuntimeOptions, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { eventually } from '../support/eventually.ts';
import { hostFolder, startAgent } from '../../runtime/start/agents.ts';
import type { HostStage } from './hostStage.ts';
import { bodiesOf, createStageHosts, expectNone, unsentShards, waitedQueues } from './stageParts.ts';

const RESTORE_DELAYS = { expedited: SECOND_MS, standard: 2 * SECOND_MS, bulk: 3 * SECOND_MS };

/** What the tests pack is small. */
const PACKING = { tierPacking: 'on', packAboveBytes: 100_000 } as const;

/** The embedded runtime in a temporary folder of its own. */
export async function createEmbeddedStage(
  over: Pick<EmbeddedRuntimeOptions, 'clock' | 'settings'> = {},
): Promise<HostStage> {
  const folder = takeDataFolder(undefined);
  const telemetry = createPinoTelemetry(createPinoLogger({ level: 'warn', path: folder.at('logs', 'runtime.jsonl') }));
  const runtime = await startEmbeddedRuntime({
    folder,
    port: 0,
    telemetry,
    restoreDelays: RESTORE_DELAYS,
    settings: PACKING,
    ...over,
  });
  const { catalog } = runtime.deps;
  const hosts = createStageHosts();

  async function call(
    method: 'PUT' | 'DELETE',
    key: string,
    headers: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ) {
    const response = await fetch(`${runtime.url}/operator/objects/${key}`, {
      method,
      headers: { authorization: `Bearer ${runtime.operatorToken}`, ...headers },
      ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${key}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { readonly versionId: string };
  }

  /** What is on its way, by where. */
  async function onTheirWay(): Promise<Readonly<Record<string, number>>> {
    const counts = runtime.queues.counts().filter(({ queue }) => waitedQueues().includes(queue));
    const messages = counts.map(
      ({ queue, visible, inFlight, delayed }) => [queue, visible + inFlight + delayed] as const,
    );
    return {
      ...Object.fromEntries(messages),
      bucket: runtime.objects.notifications(1).length,
      outbox: await unsentShards(catalog),
    };
  }

  const joinToken = async (names: HostPattern) =>
    (await runtime.operations.createJoinToken({ hosts: names, uses: 1, validMinutes: 5 })).token;

  return {
    async upload(key, bytes, metadata = {}) {
      const headers = Object.entries(metadata).map(([name, value]) => [`x-strata-meta-${name}`, value]);
      return (await call('PUT', key, Object.fromEntries(headers), bytes)).versionId;
    },
    async remove(key) {
      await call('DELETE', key, {});
    },
    send: (queue, bodies) => runtime.queues.send(queue, bodiesOf(bodies)),
    settled: () =>
      eventually(async () => {
        expectNone(await onTheirWay());
      }, 60_000),
    rows: catalog,
    operate: runtime.operations,
    async fire(functionName, schedule, at) {
      const fired = await runtime.invoker.invoke(functionName, scheduleEvent(schedule, at));
      if (fired.outcome !== 'answered') throw new Error(`${functionName}: ${fired.outcome}`);
    },
    objects: runtime.objects,
    async deadLetters(queue) {
      return runtime.queues.counts().find((counts) => counts.queue === `${queue}-dlq`)?.visible ?? 0;
    },
    async redrive(queue) {
      return (await runtime.operations.redriveDeadLetters({ queue, max: 1_000, dryRun: false })).messages;
    },
    planeUrl: runtime.url,
    joinToken,
    async startHost(host) {
      const token = await joinToken(HostPattern.parse(host));
      const agent = await startAgent({
        host,
        folder: hostFolder(folder.path, host),
        plane: runtime.url,
        joinToken: token,
        logFile: folder.at('logs', `${host}.jsonl`),
        onEnded: () => undefined,
      });
      return hosts.add(agent);
    },
    async stop() {
      await hosts.stop();
      await runtime.stop();
      folder.release();
    },
  };
}
