import { expect, it } from 'vitest';
import type { Store } from '../../../agent/nvme/store.ts';
import { createHeartbeats } from '../../../agent/reports/heartbeats.ts';
import type { Session } from '../../../agent/session/session.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

async function residentsListed(count: number): Promise<{ listed: number | undefined; warned: number }> {
  const { telemetry, records } = recordedTelemetry();
  const payloads: { readonly residents?: readonly unknown[] }[] = [];
  const store = {
    ledger: { state: { heartbeats: undefined, draining: false }, commit: async () => undefined },
    measures: async () => ({ capacityBytes: 1, usedBytes: 0, reservedBytes: 0, volumeFreeBytes: 1 }),
    leases: { active: () => 0 },
    blob: () => undefined,
    residents: () => Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0')),
  } as unknown as Store;
  const session = {
    current: () => ({ host: 'gpu-a', generation: 1 }),
    connected: () => true,
    sign: (payload: { readonly residents?: readonly unknown[] }) => payloads.push(payload),
  } as unknown as Session;
  const sender = { send: async () => undefined };
  const stamps = { next: () => EpochMs.parse(1) };
  await createHeartbeats({ store, session, sender, stamps, telemetry }).sendOnce();
  return { listed: payloads[0]?.residents?.length, warned: records.length };
}

it('lists all residents or none: the plane takes what is not listed for lost', async () => {
  expect(await residentsListed(10_000)).toEqual({ listed: 10_000, warned: 0 });
  expect(await residentsListed(10_001)).toEqual({ listed: undefined, warned: 1 });
});
