import { expect } from 'vitest';
import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';
import { OUTBOX_SHARDS } from '../../lib/catalog/index.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { AgentProcess } from '../../runtime/start/agents.ts';
import type { StageHost } from './hostStage.ts';

/** A re-scan begins by itself, its pages wait for a quarter of an hour, and nothing in a test waits for them. */
const UNWAITED = 'rescan';

/** The queues of functions whose messages a stage waits for. */
export function waitedQueues(): readonly string[] {
  const declarations: readonly FunctionDeclaration[] = FUNCTIONS;
  const triggers = declarations.flatMap((declaration) => declaration.triggers);
  const queues = triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [trigger.queue] : []));
  return queues.filter((queue) => queue !== UNWAITED);
}

export function expectNone(messages: Readonly<Record<string, number>>): void {
  const left = Object.entries(messages).filter(([, count]) => count > 0);
  expect(Object.fromEntries(left), 'messages on their way').toEqual({});
}

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
