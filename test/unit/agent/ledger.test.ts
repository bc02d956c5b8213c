import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../agent/nvme/ledger.ts';
import { FOLDERS } from '../../../agent/nvme/paths.ts';
import type { LedgerRecord } from '../../../agent/nvme/records.ts';
import { Generation } from '../../../lib/shared/ids.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createMemDisk } from '../../support/memDisk.ts';

const upTo = (upTo: number): LedgerRecord => ({ is: 'heartbeats', generation: Generation.parse(1), upTo });
const many = (count: number) => Array.from({ length: count }, (_, at) => upTo(at));

/** A ledger whose file was just replaced by a shorter one, and whose folder could not be synced then. */
async function replacedUnsynced() {
  const disk = createMemDisk();
  await disk.makeDirectory(FOLDERS.state);
  await disk.syncDirectory('.');
  const faults = { syncs: 0 };
  const { ledger } = await openLedger({
    ...disk,
    async syncDirectory(path) {
      if (path === FOLDERS.state && faults.syncs > 0) {
        faults.syncs -= 1;
        throw new DiskError('io', `${path}: EIO`);
      }
      await disk.syncDirectory(path);
    },
  });
  await ledger.commit(many(20_000));
  const before = (await disk.stat('state/ledger'))?.size ?? 0;
  faults.syncs = 1;
  await expect(ledger.commit(many(3000))).rejects.toThrow('EIO');
  expect((await disk.stat('state/ledger'))?.size).toBeLessThan(before);
  return { disk, ledger, faults };
}

describe('a ledger whose folder cannot be synced after a compaction', () => {
  it('loses nothing that it acknowledges afterwards, neither at a restart nor at a power cut', async () => {
    const { disk, ledger } = await replacedUnsynced();
    await ledger.commit([upTo(77_777)]);
    expect((await openLedger(disk)).ledger.state.heartbeats?.upTo).toBe(77_777);
    disk.powerCut(() => false);
    const again = await openLedger(disk);
    expect(again.ledger.state.heartbeats?.upTo).toBe(77_777);
  });

  it('acknowledges nothing until it can be', async () => {
    const { ledger, faults } = await replacedUnsynced();
    faults.syncs = 1;
    await expect(ledger.commit([upTo(77_777)])).rejects.toThrow('EIO');
    expect(ledger.state.heartbeats?.upTo).toBe(19_999);
  });
});
