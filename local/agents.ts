import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeRandom } from '../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../lib/adapters/node/systemClock.ts';
import { HostRow } from '../lib/catalog/index.ts';
import { createJoinToken } from '../lib/fleet/index.ts';
import { HostId, HostPattern } from '../lib/shared/ids.ts';
import type { CatalogStore } from '../lib/shared/ports/catalogStore.ts';
import { MINUTE_MS } from '../lib/shared/units.ts';
import { type AgentProcess, hostFolder, startAgent } from '../runtime/start/agents.ts';
import type { LocalAws } from './localAws.ts';

export interface LocalHosts {
  readonly agents: readonly AgentProcess[];
  /** Ends the agents and removes their disks. */
  stop(): Promise<void>;
}

export const LOCAL_HOSTS = ['host-a', 'host-b'].map((name) => HostId.parse(name));
const REGISTERED_WITHIN_MS = 30_000;

/** Two real agents against the deployed host API, queues and bucket, each with the credentials that the plane gave it. */
export async function startHosts(
  aws: LocalAws,
  catalog: CatalogStore,
  tell: (host: HostId, stage: string, text: string) => void,
): Promise<LocalHosts> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-hosts-'));
  const agents: AgentProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  // An agent ends by itself when this process does; its folder has to be removed for it.
  process.once('exit', () => {
    for (const agent of agents) agent.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  try {
    for (const host of LOCAL_HOSTS) {
      const onEnded = (reason: string) => tell(host, 'ended', reason);
      agents.push(await startLocalAgent(aws, catalog, { host, folder, onEnded }));
      tell(host, 'registered', '');
    }
    return { agents, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when the agent is registered. On a folder that another agent of this host used, it goes on from there. */
export async function startLocalAgent(
  aws: LocalAws,
  catalog: CatalogStore,
  options: { readonly host: HostId; readonly folder: string; readonly onEnded: (reason: string) => void },
): Promise<AgentProcess> {
  const { folder, host, onEnded } = options;
  const { token } = await createJoinToken(
    { catalog, clock: systemClock, random: nodeRandom },
    { hosts: HostPattern.parse(host), uses: 1, ttlMs: 5 * MINUTE_MS },
  );
  const agent = await startAgent({
    host,
    folder: hostFolder(folder, host),
    plane: aws.planeUrl,
    joinToken: token,
    logFile: join(folder, `${host}.jsonl`),
    environment: agentEnvironment(aws),
    onEnded,
  });
  await registered(catalog, host);
  return agent;
}

/** No credentials: an agent gets those of its session from the plane. */
function agentEnvironment({ environment, outputs, region }: LocalAws): Readonly<Record<string, string>> {
  return {
    STRATA_RUNTIME: 'aws',
    STRATA_BUCKET: outputs.BucketName,
    STRATA_REGION: region,
    STRATA_QUEUE_URL_PREFIX: outputs.QueueUrlPrefix,
    AWS_ENDPOINT_URL: environment['AWS_ENDPOINT_URL'] ?? '',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

async function registered(catalog: CatalogStore, host: HostId): Promise<void> {
  for (const deadline = Date.now() + REGISTERED_WITHIN_MS; Date.now() < deadline; await sleep(50)) {
    if ((await HostRow.get(catalog, host))?.value.state === 'active') return;
  }
  throw new Error(`${host} did not register within ${REGISTERED_WITHIN_MS / 1000} s`);
}
