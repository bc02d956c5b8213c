import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { createMemDisk } from '../support/memDisk.ts';
import { diskContract, fullDiskContract } from './disk.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));

diskContract('A folder', () => createNodeDisk(mkdtempSync(join(folder, 'disk-'))));
diskContract('MemDisk', async () => createMemDisk());

const MIB_4 = 4 * 1024 * 1024;
fullDiskContract('MemDisk', MIB_4, async () => createMemDisk({ totalBytes: MIB_4 }));

describe('MemDisk after a power cut', () => {
  const bytes = (value: string) => Buffer.from(value);

  it('loses pages and names that were not synced, when nothing of them survives', async () => {
    const disk = createMemDisk();
    await disk.write('synced', 0, bytes('ab'));
    await disk.sync('synced');
    await disk.write('unsynced', 0, bytes('ab'));
    await disk.syncDirectory('.');
    await disk.write('synced', 0, bytes('XY'));
    await disk.write('nameless', 0, bytes('x'));
    await disk.sync('nameless');
    disk.powerCut(() => false);
    expect(disk.tree()).toEqual(['synced (2)', 'unsynced (0)']);
    expect(Buffer.from(await disk.read('synced', 0, 2)).toString()).toBe('ab');
  });

  it('keeps everything when everything survives', async () => {
    const disk = createMemDisk();
    await disk.makeDirectory('d');
    await disk.write('d/a', 0, bytes('ab'));
    await disk.rename('d/a', 'd/b');
    await disk.symlink('b', 'd/link');
    const before = disk.tree();
    disk.powerCut(() => true);
    expect(disk.tree()).toEqual(before);
    expect(before).toEqual(['d/', 'd/b (2)', 'd/link -> b']);
  });

  it('never leaves a rename half done', async () => {
    for (const survives of [true, false]) {
      const disk = createMemDisk();
      await disk.write('a', 0, bytes('new!'));
      await disk.write('b', 0, bytes('old'));
      await disk.sync('a');
      await disk.sync('b');
      await disk.syncDirectory('.');
      await disk.rename('a', 'b');
      disk.powerCut(() => survives);
      expect(disk.tree()).toEqual(survives ? ['b (4)'] : ['a (4)', 'b (3)']);
    }
  });

  it('gives back the space of what was lost', async () => {
    const disk = createMemDisk({ totalBytes: MIB_4 });
    await disk.allocate('a', MIB_4);
    disk.powerCut(() => false);
    expect((await disk.space()).freeBytes).toBe(MIB_4);
  });

  it('flips one bit for good', async () => {
    const disk = createMemDisk();
    await disk.write('a', 0, bytes('ab'));
    await disk.sync('a');
    await disk.syncDirectory('.');
    disk.flipBit('a', 1);
    disk.powerCut(() => false);
    expect(Buffer.from(await disk.read('a', 0, 2)).toString()).toBe('ac');
  });
});
