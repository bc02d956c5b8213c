import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createMediumReads } from '../../lib/adapters/node/mediumReads.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';

const SIZE = 4 * 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'strata-medium-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What this process had the storage read, by the kernel's own account. */
function bytesFromStorage(): number {
  return Number(/^read_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

const disk = await createNodeDisk(folder);
await disk.write('a', 0, new Uint8Array(SIZE).fill(7));
await disk.sync('a');
const direct = process.platform === 'linux' && (await createMediumReads()(join(folder, 'a'), 0, 4096)) !== undefined;

it.runIf(direct)('a read from the medium asks the storage, although the page cache has it all', async () => {
  await readFile(join(folder, 'a'));
  const before = bytesFromStorage();
  await disk.read('a', 0, SIZE);
  const cached = bytesFromStorage();
  await disk.read('a', 0, SIZE, 'medium');
  expect(cached - before).toBeLessThan(SIZE / 2);
  expect(bytesFromStorage() - cached).toBeGreaterThanOrEqual(SIZE);
});

it('where the file system takes no O_DIRECT, the page cache answers', async () => {
  expect(await createMediumReads()('/proc/self/status', 0, 10)).toBeUndefined();
  const proc = await createNodeDisk('/proc/self');
  expect(Buffer.from(await proc.read('status', 0, 5, 'medium')).toString()).toBe('Name:');
});
