import { beforeEach, describe, expect, it } from 'vitest';
import type { Disk, DiskError } from '../../lib/shared/ports/disk.ts';

const KIB_64 = 65_536;

/** What every `Disk` promises while the power stays on. `create` answers an empty one with at least 4 MiB free. */
export function diskContract(name: string, create: () => Promise<Disk>): void {
  describe(`${name} as a disk`, () => {
    let disk: Disk;
    beforeEach(async () => {
      disk = await create();
    });

    it('reads back what was written at any offset, with zeros in between, and no more than there is', async () => {
      await disk.write('a', 5_000, bytes('world'));
      await disk.write('a', 0, bytes('hello'));
      expect(text(await disk.read('a', 0, 5))).toBe('hello');
      expect(text(await disk.read('a', 5_000, 100))).toBe('world');
      expect([...(await disk.read('a', 4_998, 3))]).toEqual([0, 0, 'w'.charCodeAt(0)]);
      expect(await disk.read('a', 5_005, 1)).toHaveLength(0);
      expect(await disk.stat('a')).toMatchObject({ size: 5_005, kind: 'file' });
    });

    it('reads from the medium what was written, at any offset and size', async () => {
      const data = Uint8Array.from({ length: 3 * 1024 * 1024 + 4097 }, (_, at) => (at * 31 + (at >> 12)) % 251);
      await disk.write('a', 0, data);
      for (const [offset, length] of [
        [0, data.length],
        [0, 4096],
        [1, 4096],
        [4095, 2],
        [8191, 1024 * 1024],
        [data.length - 4097, 10_000],
        [data.length - 1, 1],
        [data.length, 10],
        [data.length + 5000, 10],
      ] as const) {
        const read = await disk.read('a', offset, length, 'medium');
        expect(Buffer.compare(read, data.subarray(offset, offset + length)), `${offset} ${length}`).toBe(0);
      }
      const [one, other] = await Promise.all([disk.read('a', 0, 5000, 'medium'), disk.read('a', 9000, 5000, 'medium')]);
      expect(Buffer.compare(one, data.subarray(0, 5000))).toBe(0);
      expect(Buffer.compare(other, data.subarray(9000, 14_000))).toBe(0);
      await fails(disk.read('missing', 0, 1, 'medium'), 'not-found');
    });

    it('overwrites in place and never truncates on a write', async () => {
      await disk.write('a', 0, bytes('0123456789'));
      await disk.write('a', 2, bytes('ab'));
      expect(text(await disk.read('a', 0, 20))).toBe('01ab456789');
    });

    it('truncates to any size; what comes back after a cut is zero', async () => {
      await disk.write('a', 0, bytes('0123456789'));
      await disk.truncate('a', 4);
      await disk.truncate('a', 6);
      expect([...(await disk.read('a', 0, 20))]).toEqual([48, 49, 50, 51, 0, 0]);
      await fails(disk.truncate('missing', 1), 'not-found');
    });

    it('claims blocks on allocation and keeps what is there', async () => {
      await disk.write('a', 0, bytes('kept'));
      await disk.allocate('a', KIB_64);
      await disk.sync('a');
      const stat = await disk.stat('a');
      expect(stat?.size).toBe(KIB_64);
      expect(stat?.allocatedBytes).toBeGreaterThanOrEqual(KIB_64);
      expect(text(await disk.read('a', 0, 4))).toBe('kept');
      expect((await disk.read('a', KIB_64 - 1, 10)).join()).toBe('0');
      await disk.allocate('a', 10);
      expect((await disk.stat('a'))?.size).toBe(KIB_64);
    });

    it('shows that a sparse file takes fewer bytes than its size', async () => {
      await disk.write('a', 0, bytes('x'));
      await disk.truncate('a', 10 * KIB_64);
      await disk.sync('a');
      expect((await disk.stat('a'))?.allocatedBytes).toBeLessThan(10 * KIB_64);
    });

    it('renames atomically over a file and moves between directories', async () => {
      await disk.makeDirectory('x/y');
      await disk.write('a', 0, bytes('new'));
      await disk.write('x/y/b', 0, bytes('old old'));
      await disk.rename('a', 'x/y/b');
      expect(await disk.stat('a')).toBeUndefined();
      expect(text(await disk.read('x/y/b', 0, 9))).toBe('new');
      await fails(disk.rename('a', 'c'), 'not-found');
    });

    it('lists names in order, makes directories with their parents and again without harm', async () => {
      await disk.makeDirectory('d/e');
      await disk.makeDirectory('d/e');
      await disk.write('d/b', 0, bytes('x'));
      await disk.write('d/B', 0, bytes('x'));
      expect(await disk.list('d')).toEqual(['B', 'b', 'e']);
      expect(await disk.list('.')).toEqual(['d']);
      await fails(disk.list('missing'), 'not-found');
      await fails(disk.makeDirectory('d/b'), 'exists');
    });

    it('removes files only', async () => {
      await disk.makeDirectory('d');
      await disk.write('d/a', 0, bytes('x'));
      await fails(disk.remove('d'), 'denied');
      await disk.remove('d/a');
      await disk.remove('d/a');
      expect(await disk.list('d')).toEqual([]);
    });

    it('refuses what is not there', async () => {
      await fails(disk.read('missing', 0, 1), 'not-found');
      await fails(disk.sync('missing'), 'not-found');
      await fails(disk.write('missing/a', 0, bytes('x')), 'not-found');
      expect(await disk.stat('missing')).toBeUndefined();
      expect(await disk.stat('missing/below')).toBeUndefined();
      await fails(disk.readLinks('missing'), 'not-found');
    });

    it('makes links, replaces them, and follows none', async () => {
      await disk.makeDirectory('real');
      await disk.write('real/a', 0, bytes('secret'));
      await disk.symlink('real', 'link');
      await disk.symlink('real/a', 'file-link');
      await disk.symlink('../elsewhere', 'file-link');
      await disk.makeDirectory('real/deep');
      await disk.symlink('../..', 'real/deep/up');
      expect(await disk.readLinks('real')).toEqual(new Map([['real/deep/up', '../..']]));
      expect(await disk.stat('link')).toMatchObject({ kind: 'link' });
      await fails(disk.read('link/a', 0, 6), 'denied');
      await fails(disk.write('link/a', 0, bytes('x')), 'denied');
      await fails(disk.read('file-link', 0, 6), 'denied');
      await fails(disk.symlink('x', 'real/a'), 'exists');
      await disk.remove('link');
      expect(text(await disk.read('real/a', 0, 6))).toBe('secret');
    });

    it('refuses every path that could leave its root', async () => {
      for (const path of ['../a', 'a/../../b', '/etc/passwd', 'a//b', './a', '', 'a/', 'a\0b']) {
        await fails(disk.write(path, 0, bytes('x')), 'denied');
        await fails(disk.stat(path), 'denied');
      }
    });

    it('reads, renames and removes a read-only file', async () => {
      await disk.write('a', 0, bytes('x'));
      await disk.setReadOnly('a');
      await disk.rename('a', 'b');
      expect(text(await disk.read('b', 0, 1))).toBe('x');
      await disk.remove('b');
      expect(await disk.stat('b')).toBeUndefined();
    });

    it('accepts syncs of files, directories and the root, and states its space', async () => {
      await disk.makeDirectory('d');
      await disk.write('d/a', 0, bytes('x'));
      await disk.sync('d/a');
      await disk.syncDirectory('d');
      await disk.syncDirectory('.');
      const { totalBytes, freeBytes } = await disk.space();
      expect(freeBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeLessThanOrEqual(totalBytes);
    });
  });
}

/** What a disk of at most `totalBytes` does when it is full; `totalBytes` is a few MiB. */
export function fullDiskContract(name: string, totalBytes: number, create: () => Promise<Disk>): void {
  describe(`${name} when it is full`, () => {
    it('refuses to allocate more than there is, and can be used after something was removed', async () => {
      const disk = await create();
      await fails(disk.allocate('big', totalBytes * 2), 'no-space');
      await disk.remove('big');
      await disk.allocate('half', totalBytes / 2);
      await fails(disk.allocate('other', totalBytes * 0.75), 'no-space');
      await disk.remove('other');
      await disk.remove('half');
      await disk.allocate('other', totalBytes * 0.75);
      await disk.remove('other');
    });

    it('never meets a full disk inside an allocation', async () => {
      const disk = await create();
      await disk.allocate('claimed', totalBytes / 2);
      await fails(fill(disk, 'filler', totalBytes), 'no-space');
      const page = new Uint8Array(totalBytes / 8).fill(7);
      for (let offset = 0; offset < totalBytes / 2; offset += page.byteLength)
        await disk.write('claimed', offset, page);
      await disk.sync('claimed');
      expect((await disk.read('claimed', totalBytes / 2 - 1, 1))[0]).toBe(7);
    });
  });
}

async function fill(disk: Disk, path: string, totalBytes: number): Promise<void> {
  const chunk = new Uint8Array(KIB_64).fill(1);
  for (let offset = 0; offset <= totalBytes; offset += chunk.byteLength) await disk.write(path, offset, chunk);
}

async function fails(call: Promise<unknown>, code: DiskError['code']): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'DiskError', code });
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString();
}
