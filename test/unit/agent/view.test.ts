import { describe, expect, it } from 'vitest';
import { blobPath, FIRST_VOLUME } from '../../../agent/nvme/paths.ts';
import type { NamedBlob } from '../../../agent/view/planView.ts';
import { createModelsView } from '../../../agent/view/view.ts';
import { type Command, ViewEntry } from '../../../events/host-command/v1.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';
import { createAgentWorld, testBlob, type TestBlob } from './agentWorld.ts';

const entryOf = (model: string, file: string, version = '1.0.0', publishedAt = 1): ViewEntry =>
  ViewEntry.parse({ model, version, file, kind: 'loras', role: 'weights', publishedAt });

function prefetchAs(command: Command, entry: ViewEntry): Command {
  return command.type === 'prefetch' ? { ...command, entries: [entry] } : command;
}

/** A host after a model with the name of a file was evicted: its folder stands where that file's short name belongs. */
async function prepare() {
  const world = createAgentWorld();
  const agent = await world.boot();
  const receiptOf = async (command: Command) => {
    world.command(command);
    await world.work(agent);
    const { outcome, code } = world.sent.receipts.at(-1) ?? expect.fail('nothing was reported');
    return `${outcome} ${code}`;
  };
  const prefetch = (blob: TestBlob, ...entry: Parameters<typeof entryOf>) =>
    receiptOf(prefetchAs(world.prefetchOf(blob), entryOf(...entry)));
  const evict = ({ digest }: TestBlob) => receiptOf({ type: 'evict', digest });
  const anime = world.addBlob(100, 1);
  await prefetch(anime, 'anime.safetensors', 'model.safetensors');
  await evict(anime);
  return { world, agent, prefetch, evict };
}

describe('a short name whose place a kept folder takes', () => {
  it('is passed over, and everything else is shown and evicted as ever', async () => {
    const { world, prefetch, evict } = await prepare();
    const [good, other] = [world.addBlob(200, 2), world.addBlob(300, 3)];
    expect(await prefetch(good, 'good', 'anime.safetensors')).toBe('done ok');
    expect(await prefetch(other, 'other', 'other.safetensors')).toBe('done ok');
    const links = await world.disk.readLinks('models');
    expect([...links.keys()].toSorted()).toEqual([
      'models/loras/good/1.0.0/anime.safetensors',
      'models/loras/other.safetensors',
      'models/loras/other/1.0.0/other.safetensors',
    ]);
    expect(await evict(other)).toBe('done ok');
    expect(await evict(good)).toBe('done ok');
    expect(await world.bytesOnDisk()).toBe(0);
    expect(world.telemetry.records.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is passed over after a restart, too', async () => {
    const { world, prefetch } = await prepare();
    const good = world.addBlob(200, 2);
    await prefetch(good, 'good', 'anime.safetensors');
    const again = await world.boot();
    expect(await again.store.evict(good.digest)).toMatchObject({ outcome: 'gone' });
    expect((await world.disk.readLinks('models')).size).toBe(0);
    expect(world.telemetry.records.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a link that fails', () => {
  const [one, two] = [testBlob(100, 1), testBlob(100, 2)];
  const named = ({ digest }: TestBlob, ...entries: readonly ViewEntry[]): NamedBlob => ({
    digest,
    volume: FIRST_VOLUME,
    entries,
  });

  function createView(shown: { blobs: readonly NamedBlob[] }) {
    const disk = createMemDisk();
    const { telemetry, records } = recordedTelemetry();
    const broken = new Set<string>();
    const fail = (path: string) => {
      if (broken.has(path)) throw new DiskError('io', `${path}: EIO`);
    };
    const faulty: typeof disk = {
      ...disk,
      async symlink(target, path) {
        fail(path);
        return disk.symlink(target, path);
      },
      async remove(path) {
        fail(path);
        return disk.remove(path);
      },
    };
    return { disk, broken, records, view: createModelsView(faulty, () => shown.blobs, telemetry) };
  }

  it('to be made is told of once, and the rest is made', async () => {
    const { disk, broken, records, view } = createView({
      blobs: [named(one, entryOf('a', 'a.bin')), named(two, entryOf('b', 'b.bin'))],
    });
    await disk.makeDirectory('models');
    broken.add('models/loras/a/1.0.0/a.bin').add('models/loras/a.bin');
    await view.unlink(one.digest);
    expect([...(await disk.readLinks('models')).keys()].toSorted()).toEqual([
      'models/loras/b.bin',
      'models/loras/b/1.0.0/b.bin',
    ]);
    expect(records).toMatchObject([{ event: 'view-not-refreshed', fields: { links: 2 } }]);
    broken.clear();
    await view.refresh();
    expect((await disk.readLinks('models')).size).toBe(4);
  });

  it('to be taken away keeps the file that it leads to, and none besides', async () => {
    const shown = { blobs: [named(one, entryOf('a', 'a.bin')), named(two, entryOf('b', 'b.bin'))] };
    const { disk, broken, view } = createView(shown);
    await disk.makeDirectory('models');
    await view.refresh();
    shown.blobs = [];
    broken.add('models/loras/a.bin');
    await view.unlink(two.digest);
    expect(await disk.readLinks('models')).toEqual(new Map([['models/loras/a.bin', `../../${blobPath(one.digest)}`]]));
    await expect(view.unlink(one.digest)).rejects.toMatchObject({ code: 'io' });
    broken.clear();
    await view.unlink(one.digest);
    expect((await disk.readLinks('models')).size).toBe(0);
  });

  it('to lead elsewhere does not go on leading to what has to go', async () => {
    const older = named(one, entryOf('a', 'a.bin', '1.0.0', 1));
    const newer = named(two, entryOf('a', 'a.bin', '1.1.0', 2));
    const shown = { blobs: [older, newer] };
    const { disk, view, broken } = createView(shown);
    await disk.makeDirectory('models');
    await view.refresh();
    shown.blobs = [older];
    broken.add('models/loras/a.bin');
    await expect(view.unlink(two.digest)).rejects.toMatchObject({ code: 'io' });
    broken.clear();
    await view.unlink(two.digest);
    expect((await disk.readLinks('models')).get('models/loras/a.bin')).toBe(`../../${blobPath(one.digest)}`);
  });

  it('is no link of ours any more where somebody put a folder', async () => {
    const shown = { blobs: [named(one, entryOf('a', 'a.bin'))] };
    const { disk, view } = createView(shown);
    await disk.makeDirectory('models');
    await view.refresh();
    await disk.remove('models/loras/a.bin');
    await disk.makeDirectory('models/loras/a.bin');
    shown.blobs = [];
    await view.unlink(one.digest);
    expect(await disk.list('models/loras/a.bin')).toEqual([]);
  });
});
