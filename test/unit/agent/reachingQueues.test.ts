import { describe, expect, it } from 'vitest';
import { PortError } from '../../../lib/shared/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { createAgentWorld } from './agentWorld.ts';

const HOUR_OF_SECONDS = 3600;

describe('an agent that registers, and finds no queue under the prefix that it was given', () => {
  async function misconfigured() {
    const world = createAgentWorld();
    const agent = await world.boot();
    world.hooks.queueError = () =>
      new PortError({ code: 'no-such-queue', message: 'Check STRATA_QUEUE_URL_PREFIX.', retryable: false });
    const told = (event: string) => world.telemetry.records.filter((record) => record.event === event);
    return { world, agent, told };
  }

  it('says so at once, with what to do, and then every ten minutes', async () => {
    const { world, agent, told } = await misconfigured();
    for (let second = 0; second < HOUR_OF_SECONDS; second += 10) {
      expect(await agent.heartbeatOnce()).toBe(false);
      await agent.pollOnce();
      await world.clock.advance(10 * SECOND_MS);
    }
    for (const event of ['heartbeat-not-sent', 'commands-not-received']) {
      expect(told(event)).toHaveLength(6);
      expect(told(event)[0]?.fields).toMatchObject({ error: 'PortError: Check STRATA_QUEUE_URL_PREFIX.', failures: 1 });
    }
    expect(told('heartbeat-not-sent')[5]?.fields).toMatchObject({ failures: 301 });
  });

  it('says when it fails for another reason, and when it works again', async () => {
    const { world, agent, told } = await misconfigured();
    await agent.heartbeatOnce();
    world.hooks.queueError = () => new PortError({ code: 'unavailable', message: 'Reset.', retryable: true });
    await agent.heartbeatOnce();
    delete world.hooks.queueError;
    await agent.heartbeatOnce();
    expect(told('heartbeat-not-sent').map(({ fields }) => fields['error'])).toEqual([
      'PortError: Check STRATA_QUEUE_URL_PREFIX.',
      'PortError: Reset.',
    ]);
    expect(told('works-again').map(({ fields }) => fields)).toEqual([{ after: 'heartbeat-not-sent', failures: 2 }]);
  });

  it('tries less and less often, but as often as it would send', async () => {
    const { world, agent } = await misconfigured();
    const tries: number[] = [];
    world.hooks.queueError = (queue) => {
      if (queue === 'heartbeats') tries.push(world.clock.now());
      return new PortError({ code: 'no-such-queue', message: 'Check STRATA_QUEUE_URL_PREFIX.', retryable: false });
    };
    const stopping = Promise.withResolvers<void>();
    const stop = { requested: false, whenRequested: stopping.promise };
    const running = agent.run(stop);
    for (let second = 0; second < 5 * 60; second += 1) await world.clock.advance(SECOND_MS);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([2, 4, 8, 10, 10, 10].map((seconds) => seconds * SECOND_MS));
    expect(tries.length).toBeLessThan((5 * MINUTE_MS) / (8 * SECOND_MS));
    stop.requested = true;
    stopping.resolve();
    await running;
  });
});
