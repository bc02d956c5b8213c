import { describe, expect, it } from 'vitest';
import { crc32cHex } from '../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../lib/shared/crc32c/ofBytes.ts';
import { blobDigest, blobKey, PartCrc32c, PartManifest, partHash } from '../../lib/shared/digest.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { ObjectReader, ReadOutcome } from '../../lib/shared/ports/objectStore.ts';
import type { Transfer, TransferJob } from '../../lib/shared/ports/transfer.ts';

export interface TransferPorts {
  readonly objects: ObjectReader;
  readonly disk: Disk;
}

/** An engine with the disk that it writes to. */
export interface TransferHarness {
  createDisk(): Promise<Disk>;
  /** The engine may retry at once, it need not wait. */
  create(ports: TransferPorts): Transfer;
  /** Whether manifests hold CRC-32C besides the hashes. */
  readonly withCrc32c: boolean;
}

const PART = 64;
const PATH = 'staged';

/** What every engine behind the `Transfer` port promises. */
export function transferContract(name: string, harness: TransferHarness): void {
  const create = (ports: TransferPorts) => harness.create(ports);

  /** An origin of one blob whose reads a test may change. */
  async function world(
    size: number,
    change: (read: ReadOutcome, offset: number) => ReadOutcome | Promise<ReadOutcome> = (read) => read,
  ) {
    const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 37) % 251);
    const parts = Array.from({ length: Math.ceil(size / PART) }, (_, at) =>
      partHash(bytes.subarray(at * PART, (at + 1) * PART)),
    );
    const digest = blobDigest(size, PART, parts);
    const crc32c = harness.withCrc32c ? { crc32c: checksumsOf(bytes) } : {};
    const manifest = PartManifest.parse({ schema: 'strata-parts-1', digest, size, partSize: PART, parts, ...crc32c });
    const disk = await harness.createDisk();
    await disk.write(PATH, 0, new Uint8Array());
    await disk.allocate(PATH, size);
    const offsets: number[] = [];
    const objects: ObjectReader = {
      head: async () => ({ outcome: 'absent' }),
      async readRange(_key, _version, offset, length) {
        offsets.push(offset);
        return change({ outcome: 'read', bytes: bytes.slice(offset, offset + length) }, offset);
      },
    };
    const job: TransferJob = {
      id: digest,
      source: { key: blobKey(digest), versionId: 'v1' },
      manifest,
      path: PATH,
      done: new Set(),
      priority: 1,
    };
    return { bytes, disk, objects, job, offsets };
  }

  const ignore = async () => undefined;

  describe(`${name} moves a blob`, () => {
    it.each([0, 1, 63, 64, 65, 640, 1000])('of %i bytes to the last of them', async (size) => {
      const { bytes, disk, objects, job } = await world(size);
      const reported: number[] = [];
      const running = create({ objects, disk }).start(job, async (part) => void reported.push(part));
      expect(await running.outcome).toEqual({ outcome: 'done', bytesRead: size });
      expect(Uint8Array.from(await disk.read(PATH, 0, size + 1))).toEqual(bytes);
      expect(reported.toSorted((a, b) => a - b)).toEqual(Array.from({ length: Math.ceil(size / PART) }, (_, at) => at));
      expect(running.progress()).toEqual({ bytesDone: size, totalBytes: size });
    });

    it('reporting each part after its bytes were synced', async () => {
      const { bytes, disk, objects, job } = await world(640);
      let synced = new Uint8Array();
      const watched: Disk = {
        ...disk,
        async sync(path) {
          synced = Uint8Array.from(await disk.read(PATH, 0, 640));
          await disk.sync(path);
        },
      };
      const running = create({ objects, disk: watched }).start(job, async (part) => {
        const [from, to] = [part * PART, (part + 1) * PART];
        expect(synced.subarray(from, to)).toEqual(bytes.subarray(from, to));
      });
      expect(await running.outcome).toMatchObject({ outcome: 'done' });
    });

    it('without reading again what is done', async () => {
      const { disk, objects, job, offsets } = await world(640);
      const running = create({ objects, disk }).start({ ...job, done: new Set([0, 1, 2, 3, 4, 5, 6, 7, 9]) }, ignore);
      expect(running.progress().bytesDone).toBe(576);
      expect(await running.outcome).toEqual({ outcome: 'done', bytesRead: 64 });
      expect(offsets.every((offset) => offset >= 512 && offset < 576)).toBe(true);
    });
  });

  describe(`${name} never passes wrong bytes`, () => {
    it('one flipped bit on the way is read once more', async () => {
      let flips = 1;
      const { bytes, disk, objects, job } = await world(640, (read, offset) => {
        if (read.outcome !== 'read' || offset !== 128 || flips === 0) return read;
        flips -= 1;
        return { outcome: 'read', bytes: read.bytes.with(3, (read.bytes[3] ?? 0) ^ 4) };
      });
      expect(await create({ objects, disk }).start(job, ignore).outcome).toMatchObject({ outcome: 'done' });
      expect(Uint8Array.from(await disk.read(PATH, 0, 640))).toEqual(bytes);
    });

    it('and one that stays flipped ends it, with its part unreported', async () => {
      const { disk, objects, job } = await world(640, (read, offset) =>
        read.outcome === 'read' && offset === 128
          ? { outcome: 'read', bytes: read.bytes.with(3, (read.bytes[3] ?? 0) ^ 4) }
          : read,
      );
      const reported: number[] = [];
      const outcome = await create({ objects, disk }).start(job, async (part) => void reported.push(part)).outcome;
      expect(outcome).toMatchObject({ outcome: 'failed', code: 'wrong-bytes', retryable: false });
      expect(reported).not.toContain(2);
    });

    it('nor refuses right ones for a wrong CRC-32C, which the digest does not cover', async () => {
      const { bytes, disk, objects, job } = await world(640);
      const crc32c = job.manifest.crc32c?.with(2, PartCrc32c.parse('00000000'));
      const manifest = { ...job.manifest, ...(crc32c === undefined ? {} : { crc32c }) };
      const outcome = await create({ objects, disk }).start({ ...job, manifest }, ignore).outcome;
      expect(outcome).toEqual({ outcome: 'done', bytesRead: harness.withCrc32c ? 704 : 640 });
      expect(Uint8Array.from(await disk.read(PATH, 0, 640))).toEqual(bytes);
    });

    it('a range that is too short is none', async () => {
      const { disk, objects, job } = await world(640, (read, offset) =>
        read.outcome === 'read' && offset < PART ? { outcome: 'read', bytes: read.bytes.slice(0, -1) } : read,
      );
      const outcome = await create({ objects, disk }).start(job, ignore).outcome;
      expect(outcome).toMatchObject({ outcome: 'failed', code: 'origin-unavailable', retryable: true });
    });
  });

  describe(`${name} ends with one clear outcome`, () => {
    it.each(['absent', 'archived'] as const)('when the origin is %s', async (outcome) => {
      const { disk, objects, job } = await world(640, () => ({ outcome }));
      expect(await create({ objects, disk }).start(job, ignore).outcome).toMatchObject({
        outcome: 'failed',
        code: `origin-${outcome}`,
        retryable: false,
      });
    });

    it.each([
      ['unavailable', true, 'origin-unavailable'],
      ['throttled', true, 'origin-unavailable'],
      ['access-denied', false, 'denied'],
    ] as const)('when the origin is %s', async (code, retryable, failure) => {
      const { disk, objects, job } = await world(640, () => {
        throw new PortError({ code, message: code, retryable });
      });
      const outcome = await create({ objects, disk }).start(job, ignore).outcome;
      expect(outcome).toMatchObject({ outcome: 'failed', code: failure, retryable });
    });

    it('when a read fails once and then succeeds', async () => {
      let failures = 3;
      const { disk, objects, job } = await world(640, (read) => {
        failures -= 1;
        if (failures >= 0) throw new PortError({ code: 'unavailable', message: 'once', retryable: true });
        return read;
      });
      expect(await create({ objects, disk }).start(job, ignore).outcome).toMatchObject({ outcome: 'done' });
    });

    it('when the caller cannot keep a part in its journal', async () => {
      const { disk, objects, job } = await world(640);
      const running = create({ objects, disk }).start(job, () => Promise.reject(new DiskError('io', 'journal')));
      expect(await running.outcome).toMatchObject({ outcome: 'failed', code: 'disk-error' });
    });

    it('when it is cancelled, and writes and reports nothing afterwards', async () => {
      const gate = Promise.withResolvers<void>();
      const { disk, objects, job } = await world(6400, async (read, offset) => {
        if (offset >= 128) await gate.promise;
        return read;
      });
      const reported: number[] = [];
      const running = create({ objects, disk }).start(job, async (part) => {
        reported.push(part);
        running.cancel();
        setTimeout(gate.resolve, 20);
      });
      expect(await running.outcome).toEqual({ outcome: 'cancelled' });
      const atEnd = { bytes: await disk.read(PATH, 0, 6400), reported: [...reported] };
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect({ bytes: await disk.read(PATH, 0, 6400), reported }).toEqual(atEnd);
      expect(reported.length).toBeLessThan(3);
    });
  });
}

function checksumsOf(bytes: Uint8Array): readonly string[] {
  return Array.from({ length: Math.ceil(bytes.length / PART) }, (_, part) =>
    crc32cHex(crc32cOf(bytes.subarray(part * PART, (part + 1) * PART))),
  );
}
