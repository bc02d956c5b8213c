import { describe, expect, it } from 'vitest';
import {
  chosenOf,
  type HostReadings,
  judgeHostSettings,
  revertTuning,
  type Tried,
  TuningError,
  tuneHost,
} from '../../../lib/tuning/index.ts';
import { Crash, createMemoryHost, type MemoryHost } from './memoryHost.ts';
import { stockHost } from './readings.ts';

const STOCK = Object.fromEntries([...stockHost().files].map(([file, { text }]) => [file, chosenOf(text)]));
const OPTIONS = { rounds: 3, keepAll: false, persist: false };
const SCHEDULER = 'sys/block/nvme0n1/queue/scheduler';
const DEPTH = 'sys/block/nvme0n1/queue/nr_requests';
const FASTER = 'sys/block/nvme0n1/queue/read_ahead_kb';

function readings(world: MemoryHost): HostReadings {
  const found = stockHost();
  const files = [...found.files].map(
    ([file, reading]) => [file, { ...reading, text: world.files.get(file) ?? '' }] as const,
  );
  return { ...found, files: new Map(files) };
}

interface Run {
  readonly options?: Partial<typeof OPTIONS>;
  readonly cancelled?: () => boolean;
  readonly only?: readonly string[];
  readonly tried?: Tried[];
}

/** A dead process calls nothing any more, also not in its `catch`. */
function mortal(world: MemoryHost, work: () => Promise<unknown>): Promise<unknown> {
  const dead = new Promise((resolve) => {
    const watch = () => (world.crashAt !== undefined && world.calls > world.crashAt.call ? resolve('dead') : undefined);
    for (const port of [world.host, world.journal] as const) {
      for (const [name, call] of Object.entries(port)) {
        Object.assign(port, {
          [name]: async (...args: never[]) => {
            if (world.crashAt !== undefined && world.calls > world.crashAt.call) return new Promise(() => {});
            try {
              return await (call as (...of: never[]) => Promise<unknown>)(...args);
            } catch (error) {
              if (!(error instanceof Crash)) throw error;
              watch();
              return new Promise(() => {});
            }
          },
        });
      }
    }
  });
  return Promise.race([work(), dead]);
}

/** Only reading ahead makes this host faster. */
async function tune(world: MemoryHost, { options, cancelled = () => false, only, tried = [] }: Run = {}) {
  let runs = 0;
  const measure = async () => {
    runs += 1;
    return { fill: 500 + (runs % 5), load: (world.files.get(FASTER) === '4096' ? 900 : 600) + (runs % 5) };
  };
  const findings = judgeHostSettings(readings(world)).filter(({ setting }) => only?.includes(setting) ?? true);
  const judge = async (setting: string) => judgeHostSettings(readings(world)).find((one) => one.setting === setting);
  const deps = {
    ...world,
    judge,
    measure,
    cancelled,
    onTrial: () => {},
    onTried: (one: Tried) => void tried.push(one),
  };
  await tuneHost(deps, findings, { ...OPTIONS, ...options });
  return tried;
}

describe('tuning a host', () => {
  it('keeps what is faster beyond the noise and leaves everything else as it was', async () => {
    const world = createMemoryHost(STOCK);
    const tried = await tune(world);
    expect(tried.filter(({ outcome }) => outcome === 'kept').map(({ setting }) => setting)).toEqual(['read-ahead']);
    expect(tried.filter(({ outcome }) => outcome === 'undone')).toHaveLength(12);
    expect(Object.fromEntries(world.files)).toEqual({ ...STOCK, [FASTER]: '4096' });
    expect((await revertTuning(world)).map(({ outcome }) => outcome)).toEqual(['undone']);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
    expect(world.records).toEqual([]);
  });

  it('keeps all on demand, makes it last, and takes both back', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world, { options: { keepAll: true, persist: true } });
    expect(world.files.get('proc/sys/vm/dirty_bytes')).toBe('2147483648');
    expect([...world.persisted.keys()]).toHaveLength(3);
    expect(world.persisted.get('etc/sysctl.d/90-strata.conf')).toContain('\nvm.dirty_bytes = 2147483648\n');
    expect(world.persisted.get('etc/udev/rules.d/90-strata.rules')).toContain(
      'ACTION=="add|change", KERNEL=="nvme0n1", ATTR{queue/read_ahead_kb}="4096"\n',
    );
    expect(world.persisted.get('etc/tmpfiles.d/90-strata.conf')).toContain(
      'w /sys/kernel/mm/transparent_hugepage/shmem_enabled - - - - within_size\n',
    );
    await revertTuning(world);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
    expect(world.persisted.size).toBe(0);
    expect(await revertTuning(world)).toEqual([]);
  });

  it('tries a setting from where those that were kept before it have brought it', async () => {
    const world = createMemoryHost(STOCK);
    const tried = await tune(world, { options: { keepAll: true }, only: ['io-scheduler', 'queue-depth'] });
    // The other scheduler came with a deeper queue than would be tried.
    expect(tried.map(({ setting }) => setting)).toEqual(['io-scheduler']);
    expect(world.files.get(DEPTH)).toBe('1023');
    await revertTuning(world);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
  });

  it('has not undone what the kernel takes and does not do, and still knows it', async () => {
    const world = createMemoryHost(STOCK);
    const deaf = async (file: string, value: string) =>
      value === STOCK[FASTER] ? undefined : world.host.write(file, value);
    const ended = tune({ ...world, host: { ...world.host, write: deaf } }, { only: ['read-ahead'] });
    await expect(ended).rejects.toMatchObject({ code: 'not-undone' });
    await revertTuning(world);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
  });

  it('undoes the rest of a setting of which the kernel refuses a part, and goes on', async () => {
    const world = createMemoryHost(STOCK, ['proc/sys/net/core/default_qdisc']);
    const tried = await tune(world);
    expect(tried.find(({ outcome }) => outcome === 'refused')).toMatchObject({
      setting: 'congestion-control',
      detail: 'EINVAL',
    });
    expect(Object.fromEntries(world.files)).toEqual({ ...STOCK, [FASTER]: '4096' });
  });

  it('forgets what it has undone all of', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world, { only: ['io-scheduler', 'swappiness'] });
    expect(world.records).toEqual([]);
  });

  it('refuses to begin after a run that died, also where nothing differs any more', async () => {
    const world = createMemoryHost({ ...STOCK, [FASTER]: '4096' });
    const undo = [{ file: FASTER, value: '128' }];
    world.records.push({ entry: 'trying', setting: 'read-ahead', changes: [{ file: FASTER, value: '4096', undo }] });
    await expect(tune(world, { only: ['read-ahead'] })).rejects.toMatchObject({ code: 'unfinished' });
  });

  it('undoes what is being tried when it is cancelled, and keeps what was proven before', async () => {
    const world = createMemoryHost(STOCK);
    const tried: Tried[] = [];
    const only = ['swappiness', 'io-scheduler'];
    const ended = tune(world, { cancelled: () => world.files.get(SCHEDULER) === 'none', only, tried });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
    expect(tried).toMatchObject([{ setting: 'swappiness', outcome: 'undone' }]);
  });

  it('tries nothing that it could not make last then: a file for boot is of somebody else', async () => {
    const world = createMemoryHost(STOCK);
    world.foreign.add('etc/udev/rules.d/90-strata.rules');
    const options = { keepAll: true, persist: true };
    await expect(tune(world, { options })).rejects.toMatchObject({ code: 'not-ours' });
    expect(world.calls).toBe(0);
    expect(await tune(world, { options, only: ['swappiness'] })).toMatchObject([{ outcome: 'kept' }]);
    // What an earlier run kept would be made to last with it.
    await tune(world, { options: { keepAll: true }, only: ['read-ahead'] });
    await expect(tune(world, { options, only: ['dirty-limits'] })).rejects.toMatchObject({ code: 'not-ours' });
  });

  it('takes the older ones back although a newer one stays, and knows that one still', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world, { options: { keepAll: true }, only: ['swappiness', 'read-ahead', 'io-scheduler'] });
    const stubborn = async (file: string, value: string) => {
      if (file === FASTER) throw new TuningError({ code: 'refused', message: 'EINVAL', retryable: false });
      return world.host.write(file, value);
    };
    const reverted = await revertTuning({ ...world, host: { ...world.host, write: stubborn } });
    expect(reverted.find(({ setting }) => setting === 'read-ahead')).toEqual({
      setting: 'read-ahead',
      outcome: 'stayed',
      detail: `/${FASTER} 128`,
    });
    expect(reverted.filter(({ outcome }) => outcome === 'undone')).toHaveLength(2);
    expect(Object.fromEntries(world.files)).toEqual({ ...STOCK, [FASTER]: '4096' });
    expect(await revertTuning(world)).toMatchObject([{ setting: 'read-ahead', outcome: 'undone' }]);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
    expect(world.records).toEqual([]);
  });

  it('takes all else back where a file for boot cannot be removed, names it, and still knows it', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world, { options: { keepAll: true, persist: true } });
    const sysctl = 'etc/sysctl.d/90-strata.conf';
    const unpersist = async (file: string) => {
      if (file === sysctl) throw new TuningError({ code: 'refused', message: 'EPERM', retryable: false });
      return world.host.unpersist(file);
    };
    const reverted = await revertTuning({ ...world, host: { ...world.host, unpersist } });
    expect(reverted[0]).toEqual({ setting: `/${sysctl}`, outcome: 'at-boot', detail: 'EPERM' });
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
    expect([...world.persisted.keys()]).toEqual([sysctl]);
    expect(await revertTuning(world)).toEqual([]);
    expect(world.persisted.size).toBe(0);
    expect(world.records).toEqual([]);
  });

  it('leaves what somebody has changed since, and says so', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world);
    world.files.set(FASTER, '8192');
    expect(await revertTuning(world)).toMatchObject([{ setting: 'read-ahead', outcome: 'left' }]);
    expect(world.files.get(FASTER)).toBe('8192');
  });

  it('goes back to what was there first where the same setting was kept twice', async () => {
    const world = createMemoryHost(STOCK);
    await tune(world, { only: ['read-ahead'] });
    world.files.set(FASTER, '64');
    await tune(world, { only: ['read-ahead'] });
    await revertTuning(world);
    expect(Object.fromEntries(world.files)).toEqual(STOCK);
  });

  it('is taken back wherever it dies: before or after each change of the host or of its journal', async () => {
    const whole = createMemoryHost(STOCK);
    await tune(whole, { options: { persist: true } });
    expect(whole.calls).toBeGreaterThan(100);
    for (let at = 0; at < 2 * whole.calls; at += 1) {
      const world = createMemoryHost(STOCK);
      world.crashAt = { call: at >> 1, after: at % 2 === 1 };
      const ports = { ...world, host: { ...world.host }, journal: { ...world.journal } };
      Object.defineProperty(ports, 'calls', { get: () => world.calls });
      await mortal(ports, () => tune(ports, { options: { persist: true } }));
      world.crashAt = undefined;
      if (world.records.some(({ entry }) => entry === 'trying') && !world.records.some((r) => r.entry !== 'trying')) {
        await expect(tune(world)).rejects.toBeInstanceOf(TuningError);
      }
      await revertTuning(world);
      expect({ at, files: Object.fromEntries(world.files) }).toEqual({ at, files: STOCK });
      expect(world.persisted.size).toBe(0);
    }
  });

  it('is taken back although taking it back dies too', async () => {
    for (let at = 0; at < 40; at += 1) {
      const world = createMemoryHost(STOCK);
      await tune(world, { options: { keepAll: true, persist: true } });
      const ports = { ...world, host: { ...world.host }, journal: { ...world.journal } };
      ports.crashAt = { call: world.calls + (at >> 1), after: at % 2 === 1 };
      world.crashAt = ports.crashAt;
      Object.defineProperty(ports, 'calls', { get: () => world.calls });
      await mortal(ports, () => revertTuning(ports));
      world.crashAt = undefined;
      await revertTuning(world);
      expect({ at, files: Object.fromEntries(world.files) }).toEqual({ at, files: STOCK });
      expect(world.persisted.size).toBe(0);
    }
  });
});
