import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Store } from '../../../agent/nvme/store.ts';
import { createHeartbeats, type HeartbeatDeps } from '../../../agent/reports/heartbeats.ts';
import type { Session } from '../../../agent/session/session.ts';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { generateKeyPair, signEnvelope } from '../../../lib/fleet/index.ts';
import { type MessageSender, QUEUE_LIMITS } from '../../../lib/shared/ports/messageQueue.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { countingRandom } from '../../support/fleetWorld.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

const sample = HostHeartbeat.parse(JSON.parse(readFileSync('events/host-heartbeat/v1.metrics.json', 'utf8')));
const metrics = sample.metrics ?? expect.fail('the sample has metrics');

interface Beats {
  readonly count?: number;
  readonly pins?: number;
  readonly lastMinute?: HeartbeatDeps['lastMinute'];
}

function heartbeatsOf({ count = 0, pins = 0, lastMinute }: Beats) {
  const { telemetry, records } = recordedTelemetry();
  const { keyId, privateKey } = generateKeyPair('gpu-a.1', countingRandom());
  const payloads: HostHeartbeat[] = [];
  const bodies: string[] = [];
  const store = {
    ledger: { state: { heartbeats: undefined, draining: false }, commit: async () => undefined },
    measures: async () => ({ capacityBytes: 1, usedBytes: 0, reservedBytes: 0, volumeFreeBytes: 1 }),
    leases: { active: () => 0 },
    blob: (digest: string) => ({ pinned: Number.parseInt(digest, 16) < pins }),
    residents: () => Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0')),
  } as unknown as Store;
  const session = {
    current: () => ({ host: 'gpu-a', generation: 1 }),
    connected: () => true,
    sign(payload: HostHeartbeat) {
      payloads.push(payload);
      return signEnvelope(payload, { keyId, privateKey });
    },
  } as unknown as Session;
  const sender: MessageSender = {
    async send(_queue, [message]) {
      bodies.push(message?.body ?? '');
    },
  };
  const stamps = { next: () => EpochMs.parse(1) };
  const told = lastMinute === undefined ? {} : { lastMinute };
  const heartbeats = createHeartbeats({
    store,
    session,
    sender,
    stamps,
    clock: createManualClock(),
    telemetry,
    ...told,
  });
  return { heartbeats, records, payloads, bodies };
}

async function residentsListed(count: number, pins = 0) {
  const { heartbeats, records, payloads, bodies } = heartbeatsOf({ count, pins });
  await heartbeats.sendOnce();
  const [{ residents, pinned } = expect.fail('no heartbeat was signed')] = payloads;
  return {
    listed: residents?.length,
    pinned: pinned?.length,
    warned: records.length,
    bytes: Buffer.byteLength(bodies[0] ?? ''),
  };
}

it('lists all residents or none: the plane takes what is not listed for lost', async () => {
  expect(await residentsListed(10_000)).toMatchObject({ listed: 10_000, pinned: 0, warned: 0 });
  expect(await residentsListed(10_001)).toMatchObject({ listed: undefined, pinned: undefined, warned: 1 });
});

it('leaves the pins out where they do not fit one message beside the residents', async () => {
  const full = await residentsListed(10_000, 4_500);
  expect(full).toMatchObject({ listed: 10_000, pinned: 4_500, warned: 0 });
  expect(full.bytes).toBeLessThan(QUEUE_LIMITS.messageBytes - 20_000);
  expect(await residentsListed(10_000, 4_501)).toMatchObject({ listed: 10_000, pinned: undefined, warned: 1 });
});

it('asks for a plane that knows of metrics only where it carries some', async () => {
  let number = 1;
  const { heartbeats, payloads } = heartbeatsOf({ lastMinute: () => ({ number, metrics }) });
  await heartbeats.sendOnce();
  await heartbeats.sendOnce();
  number = 2;
  await heartbeats.sendOnce();
  expect(payloads.map(({ schema, metrics: told }) => [schema, told !== undefined])).toEqual([
    ['host-heartbeat/4', true],
    ['host-heartbeat/3', false],
    ['host-heartbeat/4', true],
  ]);
});
