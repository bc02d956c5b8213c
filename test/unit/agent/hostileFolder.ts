import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { createNodeDisk } from '../../../lib/adapters/node/nodeDisk.ts';

/** A store on real files, and beside it what no name may lead to. */
export const SECRET = 'a secret outside of the store';

export const HOSTILE: readonly string[] = [
  '',
  '.',
  '..',
  '/',
  '//',
  '~',
  '\0',
  'a\0b',
  '..\\..',
  '%2e%2e',
  '%2e%2e%2f',
  '....//',
  '../',
  '/etc/passwd',
  '．．',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'NaN',
  '-1',
  '1e999',
  'x'.repeat(5000),
  '.new-link',
  'ledger',
  'ledger.next',
  'agent.sock',
  'CON',
  'a:b',
  '*',
  '$(id)',
  '`id`',
  ';id',
  '-rf',
  '\u202e',
  '\ud800',
];
export const hostileText = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 40 }));

export async function createHostileFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'strata-hostile-'));
  const inside = (...path: readonly string[]) => join(folder, 'store', ...path);
  const outside = (...path: readonly string[]) => join(folder, 'outside', ...path);
  await mkdir(inside());
  await mkdir(outside());
  await writeFile(outside('secret'), SECRET);
  await writeFile(outside('a'.repeat(64)), SECRET);
  const disk = await createNodeDisk(inside());
  return {
    inside,
    outside,
    disk,
    /** For worlds that can do more to a disk than a real one allows. */
    worldDisk: { ...disk, powerCut: () => undefined, flipBit: () => undefined, tree: () => [] },
    /** Everything beside the store: names, contents, modes, times of change. */
    surroundings(): unknown {
      const entries = [...readdirSync(folder), ...readdirSync(outside()).map((name) => `outside/${name}`)].toSorted();
      return entries.map((name) => {
        if (name === 'store' || name === 'outside') return { name };
        const { mode, size, mtimeMs, nlink } = lstatSync(join(folder, name));
        return { name, mode, size, mtimeMs, nlink, bytes: readFileSync(join(folder, name), 'utf8') };
      });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export type HostileFolder = Awaited<ReturnType<typeof createHostileFolder>>;
