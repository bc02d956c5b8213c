import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cgroupMemory } from '../../../lib/adapters/node/cgroupMemory.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Groups by path, each with what its `memory.max` and `memory.current` say. */
async function limitsOf(
  self: string,
  groups: Readonly<Record<string, readonly [max: string, current: string, usage?: string]>>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'strata-cgroup-'));
  folders.push(folder);
  const root = join(folder, 'cgroup');
  await writeFile(join(folder, 'self'), self);
  for (const [group, [max, current, usage = '']] of Object.entries(groups)) {
    await mkdir(join(root, group), { recursive: true });
    await writeFile(join(root, group, 'memory.max'), `${max}\n`);
    await writeFile(join(root, group, 'memory.current'), `${current}\n`);
    await writeFile(join(root, group, 'memory.stat'), usage);
  }
  return cgroupMemory({ self: join(folder, 'self'), root });
}

describe('the memory limit of the cgroup', () => {
  it.each([
    [
      'its own',
      '0::/pod/app\n',
      { '/pod/app': ['1000', '300'] },
      { limitBytes: 1000, freeBytes: 700, availableBytes: 700 },
    ],
    [
      'the tighter one of a group above it',
      '0::/pod/app\n',
      { '/pod/app': ['1000', '300'], '/pod': ['2000', '1900'] },
      { limitBytes: 1000, freeBytes: 100, availableBytes: 100 },
    ],
    [
      'one above it when it has none',
      '0::/pod/app\n',
      { '/pod/app': ['max', '300'], '/pod': ['500', '600'] },
      { limitBytes: 500, freeBytes: 0, availableBytes: 0 },
    ],
    [
      'one of which the page cache takes a part that it would give back',
      '0::/pod\n',
      { '/pod': ['1000', '900', 'anon 200\nfile 700\nshmem 100\ninactive_file 400\nactive_file 200\n'] },
      { limitBytes: 1000, freeBytes: 100, availableBytes: 700 },
    ],
    ['none', '0::/pod/app\n', { '/pod/app': ['max', '300'] }, undefined],
    ['none without version 2', '4:memory:/pod\n', { '/pod': ['1000', '300'] }, undefined],
  ] as const)('is %s', async (_, self, groups, expected) => {
    expect(await limitsOf(self, groups)).toEqual(expected);
  });
});
