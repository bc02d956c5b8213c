import { expect, it } from 'vitest';
import type { Store } from '../../../agent/nvme/store.ts';
import { createHeartbeats } from '../../../agent/reports/heartbeats.ts';
import type { Session } from '../../../agent/session/session.ts';
import type { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { generateKeyPair, signEnvelope } from '../../../lib/fleet/index.ts';
import { type MessageSender, QUEUE_LIMITS } from '../../../lib/shared/ports/messageQueue.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { countingRandom } from '../../support/fleetWorld.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

async function residentsListed(count: number, pins = 0) {
  const { telemetry, records } = recordedTelemetry();
  const { keyId, privateKey } = generateKeyPair('gpu-a.1', countingRandom());
  const payloads: HostHeartbeat[] = [];
  let bytes = 0;
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
      bytes = Buffer.byteLength(message?.body ?? '');
    },
  };
  const stamps = { next: () => EpochMs.parse(1) };
  await createHeartbeats({ store, session, sender, stamps, telemetry }).sendOnce();
  const [{ residents, pinned } = expect.fail('no heartbeat was signed')] = payloads;
  return { listed: residents?.length, pinned: pinned?.length, warned: records.length, bytes };
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
