import { describe, expect, it } from 'vitest';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { createPortTransfer } from '../../lib/adapters/transfer/portTransfer.ts';
import { blobDigest, blobKey, PartManifest, partHash } from '../../lib/shared/digest.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';
import type { TransferJob } from '../../lib/shared/ports/transfer.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { transferContract, type TransferPorts } from './transfer.suite.ts';

const impatient = { now: () => EpochMs.parse(0), sleep: async () => undefined };

const create = (ports: TransferPorts) =>
  createPortTransfer({ ...ports, clock: impatient, random: nodeRandom }, { rangeBytes: 32, parallelParts: 3 });

describe.each([true, false])('manifests with CRC-32C: %s', (withCrc32c) => {
  transferContract('the transfer over ports', { createDisk: async () => createMemDisk(), create, withCrc32c });
});

describe('the transfer over ports, on a disk that fails', () => {
  const bytes = Uint8Array.from({ length: 640 }, (_, at) => at % 251);
  const parts = Array.from({ length: 10 }, (_, at) => partHash(bytes.subarray(at * 64, at * 64 + 64)));
  const digest = blobDigest(640, 64, parts);
  const objects: ObjectReader = {
    head: async () => ({ outcome: 'absent' }),
    readRange: async (_key, _version, offset, length) => ({
      outcome: 'read',
      bytes: bytes.slice(offset, offset + length),
    }),
  };
  const job: TransferJob = {
    id: digest,
    source: { key: blobKey(digest), versionId: 'v1' },
    manifest: PartManifest.parse({ schema: 'strata-parts-1', digest, size: 640, partSize: 64, parts }),
    path: 'staged',
    done: new Set(),
    priority: 1,
  };

  async function staged() {
    const disk = createMemDisk();
    await disk.write('staged', 0, new Uint8Array());
    await disk.allocate('staged', 640);
    return disk;
  }

  it.each([
    ['no-space', 'no-space'],
    ['io', 'disk-error'],
  ] as const)('ends with %s as %s', async (code, failure) => {
    const broken = { ...(await staged()), write: () => Promise.reject(new DiskError(code, code)) };
    const outcome = await create({ objects, disk: broken }).start(job, async () => undefined).outcome;
    expect(outcome).toMatchObject({ outcome: 'failed', code: failure, retryable: false });
  });

  it('reports each part only when a power cut would leave its bytes', async () => {
    const disk = await staged();
    const first = Promise.withResolvers<number>();
    create({ objects, disk }).start(job, (part) => {
      first.resolve(part);
      return new Promise(() => undefined);
    });
    const part = await first.promise;
    await disk.syncDirectory('.');
    disk.powerCut(() => false);
    expect(await disk.read('staged', part * 64, 64)).toEqual(bytes.subarray(part * 64, part * 64 + 64));
  });
});
