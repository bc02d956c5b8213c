import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTuningJournal } from '../../../lib/adapters/tuning/fileTuningJournal.ts';
import { createHostSettings } from '../../../lib/adapters/tuning/hostSettings.ts';
import { readHost } from '../../../lib/adapters/tuning/readHost.ts';
import type { JournalRecord } from '../../../lib/tuning/index.ts';
import { makeHostFolder } from './hostFolder.ts';
import { stockHost } from './readings.ts';

const SWAPPINESS = 'proc/sys/vm/swappiness';
const SYSCTL = 'etc/sysctl.d/90-strata.conf';
const KEPT: JournalRecord = { entry: 'kept', setting: 'swappiness' };
let root = '';
beforeEach(async () => {
  root = await makeHostFolder();
});
afterEach(() => rm(root, { recursive: true }));

describe('what is read of a host', () => {
  it('is what lies below its root, with the drive that the store lies on through dm and partition', async () => {
    const host = await readHost(root, '/nvme', async () => '253:0');
    expect([...host.files.keys()].toSorted()).toEqual([...stockHost().files.keys()].toSorted());
    expect({ ...host, files: undefined }).toEqual({
      files: undefined,
      memoryBytes: 2147483648 * 1024,
      swap: 'disk',
      store: { devices: ['nvme0n1'], mountOptions: ['rw', 'noatime', 'discard'] },
      limits: { openFiles: 1024, lockedBytes: Number.POSITIVE_INFINITY },
      irqBalance: true,
    });
  });

  it('has no drive where the store lies on none, and leaves out what is absent', async () => {
    await rm(join(root, SWAPPINESS));
    await writeFile(join(root, 'proc/swaps'), 'Filename\n/dev/zram0 partition 8 0 100\n');
    const host = await readHost(root, '/run', async () => '0:25');
    expect(host.store.devices).toEqual([]);
    expect(host.swap).toBe('memory');
    expect(host.files.has(SWAPPINESS)).toBe(false);
    expect([...host.files.keys()].some((file) => file.startsWith('sys/block'))).toBe(false);
  });

  it('tells the number of a folder as the kernel does', async () => {
    const { dev } = await stat(root);
    const { stdout } = spawnSync('stat', ['-c', '%Hd:%Ld', root]);
    expect(dev).toBeGreaterThan(0);
    const number = stdout.toString().trim();
    await rm(join(root, 'sys/dev/block/253:0'));
    await symlink(join(root, 'sys/devices/virtual/block/dm-0'), join(root, 'sys/dev/block', number));
    expect((await readHost(root, root)).store.devices).toEqual(['nvme0n1']);
  });
});

describe('what is written to a host', () => {
  it('is read back as what is chosen', async () => {
    const host = createHostSettings(root);
    expect(await host.read('sys/block/nvme0n1/queue/scheduler')).toBe('mq-deadline');
    await host.write(SWAPPINESS, '10');
    expect(await host.read(SWAPPINESS)).toBe('10');
    expect(await host.read('sys/block/nvme9n1/queue/scheduler')).toBeUndefined();
  });

  it('is nothing but a value of a setting in a file of one that is there and is no link', async () => {
    const host = createHostSettings(root);
    await expect(host.write('proc/sys/kernel/core_pattern', '1')).rejects.toMatchObject({ code: 'unknown-file' });
    await expect(host.write('sys/block/../../../etc/queue/scheduler', '1')).rejects.toMatchObject({
      code: 'unknown-file',
    });
    await expect(host.write(SWAPPINESS, '1\n2')).rejects.toMatchObject({ code: 'refused' });
    await expect(host.write('proc/sys/net/core/wmem_max', '1')).rejects.toMatchObject({ code: 'unknown-file' });
    await rm(join(root, SWAPPINESS));
    await expect(host.write(SWAPPINESS, '1')).rejects.toMatchObject({ code: 'refused' });
    await writeFile(join(root, 'elsewhere'), 'untouched');
    await symlink(join(root, 'elsewhere'), join(root, SWAPPINESS));
    await expect(host.write(SWAPPINESS, '1')).rejects.toMatchObject({ code: 'refused' });
    expect(await readFile(join(root, 'elsewhere'), 'utf8')).toBe('untouched');
  });

  it('lasts in files of its own, and leaves those of others', async () => {
    const host = createHostSettings(root);
    const text = '# Written by `strata tune`; `strata tune --revert` removes it.\nvm.swappiness = 10\n';
    await host.persist(SYSCTL, text);
    await host.persist(SYSCTL, text);
    expect(await readFile(join(root, SYSCTL), 'utf8')).toBe(text);
    await host.unpersist(SYSCTL);
    await host.unpersist(SYSCTL);
    await expect(stat(join(root, SYSCTL))).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(join(root, SYSCTL), 'vm.swappiness = 1\n');
    await expect(host.persist(SYSCTL, text)).rejects.toMatchObject({ code: 'not-ours' });
    await host.unpersist(SYSCTL);
    expect(await readFile(join(root, SYSCTL), 'utf8')).toBe('vm.swappiness = 1\n');
    await expect(host.persist('etc/passwd', text)).rejects.toMatchObject({ code: 'unknown-file' });
  });
});

it('a setting that shall last where no folder can be made ends with what the system says', () => {
  const adapter = new URL('../../../lib/adapters/tuning/hostSettings.ts', import.meta.url).href;
  const program = `const { createHostSettings } = await import('${adapter}');
    await createHostSettings('/proc').persist('${SYSCTL}', '').catch(({ code }) => console.log(code));`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 10_000 });
  expect(ended.stdout.toString().trim()).toBe('ENOENT');
});

describe('the journal of tuning', () => {
  it('keeps its records over processes, loses a torn one, and leaves nothing when it is cleared', async () => {
    const folder = join(root, 'journal');
    const first = await openTuningJournal(folder);
    await first.append(KEPT);
    await first.close();
    await writeFile(join(folder, 'journal'), '{"entry":"und', { flag: 'a' });
    const second = await openTuningJournal(folder);
    expect(await second.records()).toEqual([KEPT]);
    await second.append({ entry: 'undone', setting: 'swappiness' });
    expect(await second.records()).toEqual([KEPT, { entry: 'undone', setting: 'swappiness' }]);
    await second.clear();
    await second.close();
    await expect(stat(join(folder, 'journal'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is of one process at a time', async () => {
    const first = await openTuningJournal(join(root, 'journal'));
    await expect(openTuningJournal(join(root, 'journal'))).rejects.toMatchObject({
      code: 'already-running',
      retryable: true,
    });
    await first.close();
    await (await openTuningJournal(join(root, 'journal'))).close();
  });

  it.each([
    ['no JSON', 'x'],
    [
      'a file of nobody',
      '{"entry":"trying","setting":"swappiness","changes":[{"file":"etc/shadow","value":"1","undo":[{"file":"proc/sys/vm/swappiness","value":"1"}]}]}',
    ],
    [
      'an undo elsewhere',
      '{"entry":"trying","setting":"swappiness","changes":[{"file":"proc/sys/vm/swappiness","value":"1","undo":[{"file":"proc/sys/kernel/core_pattern","value":"1"}]}]}',
    ],
    [
      'a value of two lines',
      '{"entry":"trying","setting":"swappiness","changes":[{"file":"proc/sys/vm/swappiness","value":"1","undo":[{"file":"proc/sys/vm/swappiness","value":"1\\n2"}]}]}',
    ],
    ['a file to remove that is not ours', '{"entry":"persisted","files":["etc/passwd"]}'],
  ])('is not believed with %s in it', async (_, line) => {
    await mkdir(join(root, 'journal'), { mode: 0o700 });
    await writeFile(join(root, 'journal/journal'), `${line}\n`);
    const journal = await openTuningJournal(join(root, 'journal'));
    await expect(journal.records()).rejects.toMatchObject({ code: 'damaged-journal' });
    await journal.close();
  });

  it('is not in a folder that others may write, nor behind a link', async () => {
    await mkdir(join(root, 'open'));
    await chmod(join(root, 'open'), 0o777);
    await expect(openTuningJournal(join(root, 'open'))).rejects.toMatchObject({ code: 'unsafe-folder' });
    await symlink(join(root, 'proc'), join(root, 'link'));
    await expect(openTuningJournal(join(root, 'link'))).rejects.toMatchObject({ code: 'unsafe-folder' });
  });
});
