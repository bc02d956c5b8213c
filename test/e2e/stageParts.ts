import { OUTBOX_SHARDS } from '../../lib/catalog/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { AgentProcess } from '../../runtime/start/agents.ts';
import type { StageHost } from './hostStage.ts';

/** How many shards of the outbox still hold messages. */
export async function unsentShards(rows: CatalogStore): Promise<number> {
  let found = 0;
  for (let shard = 0; shard < OUTBOX_SHARDS; shard += 1) {
    found += (await rows.query({ partition: `OUTBOX#${shard}`, limit: 1 })).items.length;
  }
  return found;
}

/** The agents that a stage has started and must stop. */
export function createStageHosts() {
  const agents = new Set<AgentProcess>();
  return {
    add(agent: AgentProcess): StageHost {
      agents.add(agent);
      return {
        data: agent.data,
        ask: (reference) => agent.get(`/v1/models/${encodeURIComponent(reference)}?wait=30`),
        async kill() {
          agents.delete(agent);
          agent.kill();
          await agent.ended;
        },
      };
    },
    async stop(): Promise<void> {
      await Promise.all([...agents].map((agent) => agent.stop()));
    },
  };
}

export const bodiesOf = (bodies: readonly string[]) => bodies.map((body) => ({ body }));
