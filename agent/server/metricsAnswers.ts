import type { Context } from 'hono';
import { findBottlenecks, judgeHealth } from '../../lib/hostMetrics/index.ts';
import { answerMetrics } from '../../lib/shared/metricsText.ts';
import type { Agent } from '../agent.ts';
import { agentFamilies } from '../metrics/agentFamilies.ts';
import { hostFamilies } from '../metrics/hostFamilies.ts';
import { storeFamilies } from '../metrics/storeFamilies.ts';

/** For Prometheus, in the format that it asks for. */
export async function metricsAnswer(agent: Agent, context: Context): Promise<Response> {
  const { store, session, meters, sampler } = agent;
  const { bottlenecks, measures } = await condition(agent);
  const families = [
    ...agentFamilies(meters.totals, meters.recent(), agent.bytesPerSecondLimit),
    ...storeFamilies({
      measures,
      residents: store.residents().length,
      activeLeases: store.leases.active(),
      connected: session.connected(),
      draining: store.ledger.state.draining,
      bottlenecks,
    }),
    ...hostFamilies(sampler.samples().at(-1)),
  ];
  const { text, contentType } = answerMetrics(families, context.req.header('accept'));
  return context.body(text, 200, { 'Content-Type': contentType });
}

/** The last minute as heartbeats tell it, and the samples of the last ten minutes, oldest first. */
export async function metricsBody(agent: Agent) {
  const { bottlenecks } = await condition(agent);
  return {
    schema: 'agent-metrics/1',
    lastMinute: agent.lastMinute()?.metrics ?? null,
    bottlenecks,
    samples: agent.sampler.samples(),
  };
}

/** Ready whatever its health: a supervisor has no reason to restart it. */
export async function healthBody(agent: Agent) {
  const { bottlenecks, measures } = await condition(agent);
  const { status: health, reasons } = judgeHealth({
    connected: agent.session.connected(),
    draining: agent.store.ledger.state.draining,
    failedVolumes: (measures.volumes ?? []).filter(({ state }) => state === 'failed').map(({ name }) => name),
    bottlenecks,
  });
  return { status: 'ready', health, reasons };
}

async function condition({ lastMinute, store }: Agent) {
  const measures = await store.measures();
  const metrics = lastMinute()?.metrics;
  return { measures, bottlenecks: metrics === undefined ? [] : findBottlenecks(metrics, measures) };
}
