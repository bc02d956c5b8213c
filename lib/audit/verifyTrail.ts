import { queryAll, SealHeadRow, type Unsealed, UNSEALED_SHARDS, UnsealedRow } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { Broken } from './broken.ts';
import { checkChain } from './checkChain.ts';
import { beforeSeals, checkSeal, type SealsSoFar } from './checkSeals.ts';
import { findContradiction } from './contradiction.ts';
import { entryHash } from './hashes.ts';
import { storedEntries, unsealedNumbers } from './history.ts';
import { listSeals, readSeal, type SealObjects } from './sealObjects.ts';

export interface VerifyDeps {
  readonly catalog: CatalogStore;
  readonly seals: SealObjects;
}

export interface Verification {
  /** How many were looked at. */
  readonly seals: number;
  readonly objects: number;
  readonly entries: number;
  /** Entries among them that wait for their seal. */
  readonly unsealed: number;
  /** The first thing that is wrong; absent where the trail is whole. */
  readonly broken?: Broken;
}

/** The plane goes on while it is looked at: what seems broken is looked at again. */
const LOOKS = 3;

/**
 * Recomputes the chain of seals in the locked bucket from the first one on, or with `since` from the last one that was written before
 * that moment, and every object's chain in the catalog that they or unsealed entries name. Memory grows with the objects, not with
 * their entries. Changes nothing.
 */
export async function verifyTrail(deps: VerifyDeps, since?: EpochMs): Promise<Verification> {
  const trail = await readTrail(deps, since);
  const counted = { seals: trail.seals, objects: 0, entries: 0, unsealed: 0 };
  if (trail.broken !== undefined) return { ...counted, broken: trail.broken };
  const waiting = new Set<string>();
  for (const { object } of await unsealedEntries(deps.catalog)) waiting.add(object);
  for (const object of new Set([...trail.soFar.tails.keys(), ...waiting])) {
    const looked = await lookAt(deps, trail, object);
    if ('broken' in looked) return { ...counted, seals: trail.seals, broken: looked.broken };
    counted.objects += 1;
    counted.entries += looked.entries;
    counted.unsealed += looked.unsealed;
  }
  return { ...counted, seals: trail.seals };
}

interface Trail {
  readonly first: number;
  soFar: SealsSoFar;
  seals: number;
  broken?: Broken;
}

async function readTrail(deps: VerifyDeps, since: EpochMs | undefined): Promise<Trail> {
  const listed = await listSeals(deps.seals);
  const later = since === undefined ? 0 : listed.findIndex(({ at }) => at >= since);
  const trusted = since === undefined ? undefined : listed.at(later < 0 ? -1 : later - 1);
  const before = later === 0 || trusted === undefined ? undefined : await readSeal(deps.seals, trusted.number);
  const trail: Trail = { first: (before?.number ?? 0) + 1, soFar: beforeSeals(before), seals: 0 };
  const newest = listed.at(-1)?.number ?? 0;
  await readOn(deps, trail, newest);
  const head = (await SealHeadRow.get(deps.catalog))?.value;
  // A seal that the catalog names was there: it lies in no bucket that locks, or its time was over.
  const promised = Math.max(newest, head?.number ?? 0);
  if (trail.soFar.last.number < promised) await readOn(deps, trail, 0);
  const { number } = trail.soFar.last;
  if (number < promised) trail.broken ??= { what: 'truncated', number: number + 1 };
  return trail;
}

/** Takes in the seals that come next; `atLeast` must be there, since a later one is. */
async function readOn(deps: VerifyDeps, trail: Trail, atLeast: number): Promise<void> {
  while (trail.broken === undefined) {
    const number = trail.soFar.last.number + 1;
    const stored = await readSeal(deps.seals, number);
    if (stored === undefined) {
      if (number < atLeast) trail.broken = { what: 'missing', number };
      return;
    }
    const checked = checkSeal(trail.soFar, stored);
    if ('broken' in checked) {
      trail.broken = checked.broken;
      return;
    }
    trail.soFar = checked.soFar;
    trail.seals += 1;
  }
}

type Looked = { readonly broken: Broken } | { readonly entries: number; readonly unsealed: number };

async function lookAt(deps: VerifyDeps, trail: Trail, object: string): Promise<Looked> {
  let broken: Broken | undefined;
  for (let look = 0; look < LOOKS; look += 1) {
    const stored = await storedEntries(deps.catalog, object);
    // In this order: an entry that no longer waits has been sealed by then.
    const unsealed = await unsealedNumbers(deps.catalog, object);
    const { whole } = trail.soFar;
    const check = () => checkChain({ object, stored, sealed: newestHash(trail, object), unsealed, whole });
    broken = check();
    if (broken !== undefined) {
      // It may have been sealed since.
      await readOn(deps, trail, 0);
      if (trail.broken !== undefined) return { broken: trail.broken };
      broken = check();
    }
    if (broken === undefined) {
      const entries = stored.flatMap(({ entry }) => entry ?? []);
      broken = await findContradiction(deps.catalog, object, entries);
      const newest = trail.soFar.tails.get(object)?.number ?? 0;
      const waiting = [...unsealed].filter((number) => number > newest);
      if (broken === undefined) return { entries: entries.length, unsealed: waiting.length };
    } else {
      const sealed = await sealedHashes(deps, trail, object);
      broken = checkChain({ object, stored, sealed, unsealed, whole }) ?? broken;
    }
  }
  return broken === undefined ? { entries: 0, unsealed: 0 } : { broken };
}

function newestHash({ soFar }: Trail, object: string): ReadonlyMap<number, string> {
  const tail = soFar.tails.get(object);
  return new Map(tail === undefined ? [] : [[tail.number, tail.hash]]);
}

/** Of every sealed entry of one object: read again only to name the first wrong one. */
async function sealedHashes(deps: VerifyDeps, trail: Trail, object: string): Promise<ReadonlyMap<number, string>> {
  const hashes = new Map<number, string>();
  for (let number = trail.first; number <= trail.soFar.last.number; number += 1) {
    for (const entry of (await readSeal(deps.seals, number))?.seal?.entries ?? []) {
      if (entry.object === object) hashes.set(entry.number, entryHash(entry));
    }
  }
  return hashes;
}

async function unsealedEntries(catalog: CatalogStore): Promise<readonly Unsealed[]> {
  const found: Unsealed[] = [];
  for (let shard = 0; shard < UNSEALED_SHARDS; shard += 1) {
    const items = await queryAll(catalog, { partition: `UNSEALED#${shard}` });
    found.push(...items.map((item) => UnsealedRow.parse(item).value));
  }
  return found;
}
