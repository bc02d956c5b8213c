import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createAgentWorld, PART } from './agentWorld.ts';
import { createHostileFolder, type HostileFolder, hostileText, SECRET } from './hostileFolder.ts';

/*
 * Paths and links as attackers make them, against real files: whatever is asked, nothing outside the store's folder is read,
 * made, changed or removed.
 */
const hostilePath = fc.array(fc.oneof(hostileText, fc.constantFrom('blobs', 'staging', 'models', 'state', 'planted')), {
  minLength: 1,
  maxLength: 6,
});

let folder: HostileFolder;
beforeEach(async () => {
  folder = await createHostileFolder();
});
afterEach(() => folder.remove());

/** Every call of the port with this path; answers what was read. */
async function tryEverything(path: string, other: string): Promise<string[]> {
  const read: string[] = [];
  const note = (bytes: Uint8Array) => read.push(Buffer.from(bytes).toString('utf8'));
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => folder.disk.write(path, 0, Buffer.from('overwritten')),
    () => folder.disk.read(path, 0, 100).then(note),
    () => folder.disk.truncate(path, 3),
    () => folder.disk.allocate(path, 10),
    () => folder.disk.sync(path),
    () => folder.disk.syncDirectory(path),
    () => folder.disk.setReadOnly(path),
    () => folder.disk.makeDirectory(path),
    () => folder.disk.list(path),
    () => folder.disk.stat(path),
    () => folder.disk.readLinks(path).then((links) => links.forEach((text) => read.push(text))),
    () => folder.disk.symlink('../..', path),
    () => folder.disk.rename(path, other),
    () => folder.disk.rename(other, path),
    () => folder.disk.remove(path),
  ];
  for (const attempt of attempts) {
    try {
      await attempt();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
  return read;
}

describe('a path', () => {
  it('never leads out of the store, whatever it is made of', async () => {
    const before = folder.surroundings();
    await fc.assert(
      fc.asyncProperty(hostilePath, hostilePath, async (one, other) => {
        const read = await tryEverything(one.join('/'), other.join('/'));
        expect(read.join()).not.toContain(SECRET);
        expect(folder.surroundings()).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['a folder that is a link', 'planted', () => folder.outside()],
    ['a file that is a link', 'planted', () => folder.outside('secret')],
    ['a link to the folder above', 'planted', () => '..'],
    ['a link to itself', 'planted', () => 'planted'],
    ['a link to nowhere', 'planted', () => folder.outside('not-yet')],
  ])('never leads out of the store by %s', async (_, name, target) => {
    await symlink(target(), folder.inside(name));
    const before = folder.surroundings();
    for (const path of [name, `${name}/secret`, `${name}/outside/secret`, `${name}/new/deeper`]) {
      const read = await tryEverything(path, 'blobs');
      expect(read.join()).not.toContain(SECRET);
      expect(folder.surroundings()).toEqual(before);
      expect(existsSync(folder.outside('not-yet'))).toBe(false);
      await rm(folder.inside(name), { force: true });
      await symlink(target(), folder.inside(name));
    }
  });
});

describe('links that somebody planted in the store', () => {
  const plants: readonly (readonly [string, (digest: string) => string, () => string])[] = [
    ['in the place of a staging file', (digest) => `staging/${digest}`, () => folder.outside('secret')],
    ['in the place of a blob', (digest) => `blobs/${digest.slice(0, 2)}/${digest}`, () => folder.outside('secret')],
    ['in the place of a folder of blobs', (digest) => `blobs/${digest.slice(0, 2)}`, () => folder.outside()],
    ['in the place of a folder of the view', () => 'models/checkpoints', () => folder.outside()],
    ['in the place of the next ledger', () => 'state/ledger.next', () => folder.outside('secret')],
  ];

  it.each(plants)('%s are not followed, and the blob is fetched or refused', async (_, path, target) => {
    const world = createAgentWorld({ disk: folder.worldDisk });
    const blob = world.addBlob(3 * PART);
    const at = path(blob.digest);
    await mkdir(dirname(folder.inside(at)), { recursive: true });
    await symlink(target(), folder.inside(at));
    const before = folder.surroundings();
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    for (let turn = 0; turn < 3; turn += 1) await agent.upkeepOnce();
    world.command({ type: 'verify', digest: blob.digest });
    world.command({ type: 'evict', digest: blob.digest });
    await world.work(agent);
    expect(folder.surroundings()).toEqual(before);
    const ends = world.sent.receipts.map(({ type, outcome, code }) => `${type} ${outcome} ${code}`);
    expect(ends[0]).toMatch(/^prefetch (done ok|failed disk-error)$/);
    expect(agent.store.residents()).toEqual([]);
  });

  it.each(['staging', 'blobs', 'models', 'state'])('in the place of %s end the start with an error', async (name) => {
    await symlink(folder.outside(), folder.inside(name));
    const before = folder.surroundings();
    const world = createAgentWorld({ disk: folder.worldDisk });
    await expect(world.boot()).rejects.toBeInstanceOf(DiskError);
    expect(folder.surroundings()).toEqual(before);
  });
});

describe('files that are linked into staging', () => {
  it('keep their bytes: a fill starts on a file of its own', async () => {
    const world = createAgentWorld({ disk: folder.worldDisk });
    const blob = world.addBlob(3 * PART);
    await mkdir(folder.inside('staging'));
    await link(folder.outside('secret'), folder.inside('staging', blob.digest));
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    expect(await readFile(folder.outside('secret'), 'utf8')).toBe(SECRET);
    expect(agent.store.residents()).toEqual([blob.digest]);
  });
});
