import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../events/audit-seal/v1.ts';
import { checkChain, type StoredEntry } from '../../../lib/audit/checkChain.ts';
import { beforeSeals, checkSeal } from '../../../lib/audit/checkSeals.ts';
import { entryHash, NOTHING_BEFORE, sealHash } from '../../../lib/audit/hashes.ts';
import { verifyTrail } from '../../../lib/audit/index.ts';
import type { StoredSeal } from '../../../lib/audit/sealObjects.ts';
import { canonicalJson } from '../../../lib/shared/canonicalJson.ts';
import { CorrelationId } from '../../../lib/shared/ids.ts';
import { EpochMs, MINUTE_MS } from '../../../lib/shared/units.ts';
import { createTrail, type Trail } from './trail.ts';

const OBJECT = 'uploads/m/1.0.0/f';
const SECOND = 'seals/000000000002.json';

function chainOf(texts: readonly string[], object = OBJECT): readonly AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const [index, text] of texts.entries()) {
    const before = entries.at(-1);
    entries.push({
      schema: 'audit-entry/1',
      object,
      number: index + 1,
      previous: before === undefined ? NOTHING_BEFORE : entryHash(before),
      at: EpochMs.parse(index),
      action: 'judged',
      by: { kind: 'plane', name: 'test' },
      text,
      correlationId: CorrelationId.parse('test'),
    });
  }
  return entries;
}

function storedSeal(number: number, previous: string, entries: readonly AuditEntry[]): StoredSeal {
  const seal = {
    schema: 'audit-seal/1' as const,
    number,
    previous,
    sealedAt: EpochMs.parse(number),
    entries: [...entries],
  };
  return { number, hash: sealHash(Buffer.from(canonicalJson(seal))), seal, covered: false };
}

/** Each entry in a seal of its own. */
function sealsOf(entries: readonly AuditEntry[]): readonly StoredSeal[] {
  const seals: StoredSeal[] = [];
  for (const entry of entries) seals.push(storedSeal(seals.length + 1, seals.at(-1)?.hash ?? NOTHING_BEFORE, [entry]));
  return seals;
}

function brokenSeal(seals: readonly StoredSeal[]) {
  let soFar = beforeSeals();
  for (const seal of seals) {
    const checked = checkSeal(soFar, seal);
    if ('broken' in checked) return checked.broken;
    soFar = checked.soFar;
  }
  return undefined;
}

const texts = fc.array(fc.string({ maxLength: 5 }), { minLength: 2, maxLength: 12 });
const place = fc.nat({ max: 1000 });

describe('a chain', () => {
  /** All sealed but the last one, which waits. */
  const facts = (entries: readonly AuditEntry[]) => ({
    object: OBJECT,
    sealed: new Map(entries.slice(0, -1).map((entry) => [entry.number, entryHash(entry)])),
    unsealed: new Set([entries.length]),
    whole: true,
  });
  const stored = (entries: readonly AuditEntry[]): StoredEntry[] =>
    entries.map((entry) => ({ number: entry.number, entry }));

  it('is whole as it was written', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const entries = chainOf(all);
        expect(checkChain({ ...facts(entries), stored: stored(entries) })).toBeUndefined();
      }),
    );
  });

  it('names the entry that was altered', () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const entries = chainOf(all);
        const victim = at % (entries.length - 1);
        const forged = stored(entries);
        forged[victim] = { number: victim + 1, entry: { ...entries[victim]!, text: `${entries[victim]!.text}!` } };
        const broken = { what: 'altered', object: OBJECT, number: victim + 1 };
        expect(checkChain({ ...facts(entries), stored: forged })).toEqual(broken);
        // Were none of it sealed yet, the entry after it would tell.
        const unsealed = new Set(entries.map(({ number }) => number));
        const young = { object: OBJECT, sealed: new Map<number, string>(), unsealed, stored: forged, whole: true };
        expect(checkChain(young)).toEqual(broken);
      }),
    );
  });

  it('names the entry that was removed, from its middle or its end', () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const entries = chainOf(all);
        const victim = at % entries.length;
        const what = victim === entries.length - 1 ? 'truncated' : 'missing';
        const kept = stored(entries).filter((_, index) => index !== victim);
        const broken = { object: OBJECT, number: victim + 1 };
        expect(checkChain({ ...facts(entries), stored: kept })).toEqual({ what, ...broken });
        const cut = stored(entries).slice(0, victim);
        expect(checkChain({ ...facts(entries), stored: cut })).toEqual({ what: 'truncated', ...broken });
      }),
    );
  });

  it('names the place where entries were swapped', () => {
    fc.assert(
      fc.property(texts, place, place, (all, one, other) => {
        const entries = chainOf(all);
        const [a, b] = [one % entries.length, other % entries.length].toSorted((x, y) => x - y) as [number, number];
        fc.pre(a !== b);
        const swapped = stored(entries);
        swapped[a] = { number: a + 1, entry: entries[b] };
        swapped[b] = { number: b + 1, entry: entries[a] };
        const broken = { what: 'reordered', object: OBJECT, number: a + 1 };
        expect(checkChain({ ...facts(entries), stored: swapped })).toEqual(broken);
      }),
    );
  });

  it('names an entry that was added at its end, or put in between with all that follows moved on', () => {
    fc.assert(
      fc.property(texts, place, (all, at) => {
        const entries = chainOf(all);
        const longer = chainOf([...all, 'forged']);
        const added = { what: 'inserted', object: OBJECT, number: entries.length + 1 };
        expect(checkChain({ ...facts(entries), stored: stored(longer) })).toEqual(added);
        const where = at % (entries.length - 1);
        const rewritten = chainOf([...all.slice(0, where), `forged ${all[where]}`, ...all.slice(where)]);
        const broken = { what: 'altered', object: OBJECT, number: where + 1 };
        expect(checkChain({ ...facts(entries), stored: stored(rewritten) })).toEqual(broken);
      }),
    );
  });

  it('refuses rows that are no entries, and rows of other objects', () => {
    const entries = chainOf(['a', 'b', 'c']);
    const [, , third] = stored(entries);
    const unreadable = [...stored(entries).slice(0, 2), { number: 3, entry: undefined }];
    expect(checkChain({ ...facts(entries), stored: unreadable })).toMatchObject({ what: 'altered', number: 3 });
    const [foreign] = chainOf(['a'], 'other');
    const moved = [{ number: 1, entry: foreign }, ...stored(entries).slice(1)];
    expect(checkChain({ ...facts(entries), stored: moved })).toMatchObject({ what: 'reordered', number: 1 });
    const odd = [...stored(entries).slice(0, 2), { number: Number.NaN, entry: undefined }, third!];
    expect(checkChain({ ...facts(entries), stored: odd })).toMatchObject({ what: 'inserted', number: 3 });
  });
});

describe('seals', () => {
  it('are whole as they were locked, and no single change of them passes', () => {
    fc.assert(
      fc.property(texts, place, fc.constantFrom('alter', 'remove', 'insert', 'swap', 'cover'), (all, at, how) => {
        const seals = sealsOf(chainOf(all));
        expect(brokenSeal(seals)).toBeUndefined();
        // What follows the last one is known by the catalog's head.
        const victim = at % (seals.length - 1);
        const forged = [...seals];
        const { number, seal } = seals[victim]!;
        if (how === 'remove') forged.splice(victim, 1);
        if (how === 'cover') forged[victim] = { ...seals[victim]!, covered: true };
        if (how === 'insert') forged.splice(victim, 0, storedSeal(number, seal!.previous, chainOf(['x'], 'other')));
        if (how === 'alter')
          forged[victim] = storedSeal(number, seal!.previous, [{ ...seal!.entries[0]!, text: 'x!' }]);
        if (how === 'swap') {
          const next = seals[victim + 1]!;
          forged[victim] = { ...next, number };
          forged[victim + 1] = { ...seals[victim]!, number: next.number };
        }
        expect(brokenSeal(forged)).toBeDefined();
      }),
    );
  });

  it('name the first one that is wrong', () => {
    const seals = sealsOf(chainOf(['a', 'b', 'c']));
    expect(brokenSeal([seals[0]!, seals[2]!])).toEqual({ what: 'missing', number: 2 });
    expect(brokenSeal([{ ...seals[0]!, seal: undefined }])).toEqual({ what: 'altered', number: 1 });
    expect(brokenSeal([storedSeal(1, NOTHING_BEFORE, chainOf(['a', 'b']).slice(1))])).toEqual({
      what: 'missing',
      object: OBJECT,
      number: 1,
    });
  });
});

describe('the verification', () => {
  it('names what somebody changed behind the plane’s back', async () => {
    const trail = await createTrail();
    for (const text of ['first', 'second', 'third']) await trail.record('a', text);
    await trail.record('b');
    await trail.seal();
    const [first, second] = await trail.entries('a');
    await trail.forge('a', 2, { ...second!, text: 'otherwise' });
    expect((await trail.verify()).broken).toEqual({ what: 'altered', object: 'a', number: 2 });
    await trail.forge('a', 2, undefined);
    expect((await trail.verify()).broken).toEqual({ what: 'missing', object: 'a', number: 2 });
    await trail.forge('a', 3, undefined);
    expect((await trail.verify()).broken).toEqual({ what: 'truncated', object: 'a', number: 2 });
    await trail.forge('a', 2, first);
    expect((await trail.verify()).broken).toEqual({ what: 'reordered', object: 'a', number: 2 });
    await trail.forge('a', 1, undefined);
    await trail.forge('a', 2, undefined);
    expect((await trail.verify()).broken).toEqual({ what: 'truncated', object: 'a', number: 1 });
  });

  it('finds an entry that nobody promised to seal', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    const [first] = await trail.entries('a');
    await trail.forge('a', 2, { ...first!, number: 2, previous: entryHash(first!) });
    expect((await trail.verify()).broken).toEqual({ what: 'inserted', object: 'a', number: 2 });
  });

  it('trusts the seals before a moment when it is told so', async () => {
    const trail = await createTrail();
    await trail.record('old');
    await trail.record('a');
    await trail.seal();
    await trail.clock.advance(10 * MINUTE_MS);
    const since = trail.clock.now();
    await trail.record('a');
    await trail.record('new');
    await trail.seal();
    expect(await trail.verify(since)).toEqual({ seals: 1, objects: 2, entries: 3, unsealed: 0 });
    expect(await trail.verify(EpochMs.parse(since + MINUTE_MS))).toEqual({
      seals: 0,
      objects: 0,
      entries: 0,
      unsealed: 0,
    });
    const [, second] = await trail.entries('a');
    await trail.forge('a', 2, { ...second!, text: 'otherwise' });
    expect((await trail.verify(since)).broken).toEqual({ what: 'altered', object: 'a', number: 2 });
  });

  it('trusts what was sealed of an object before that moment, and counts only what waits', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    await trail.clock.advance(10 * MINUTE_MS);
    const since = trail.clock.now();
    await trail.record('a');
    expect(await trail.verify(since)).toEqual({ seals: 0, objects: 1, entries: 2, unsealed: 1 });
    const [, second] = await trail.entries('a');
    await trail.forge('a', 3, { ...second!, number: 3, previous: entryHash(second!) });
    expect((await trail.verify(since)).broken).toEqual({ what: 'inserted', object: 'a', number: 3 });
  });

  it.each([
    ['delete markers', (trail: Trail) => trail.seals.remove(SECOND)],
    ['versions', (trail: Trail) => trail.seals.write(SECOND, Buffer.from('{}'))],
  ])('finds the newest seal under more %s than a page holds', async (_, cover) => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    await trail.record('a');
    await trail.seal();
    for (let one = 0; one < 1001; one += 1) await cover(trail);
    await trail.forge('a', 2, undefined);
    expect((await trail.verify()).broken).toEqual({ what: 'covered', number: 2 });
  });

  it('calls a trail truncated whose newest seal is listed and cannot be read', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    const seals = { ...trail.seals, readRange: () => Promise.resolve({ outcome: 'absent' as const }) };
    const { broken } = await verifyTrail({ catalog: trail.catalog, seals });
    expect(broken).toEqual({ what: 'truncated', number: 1 });
  });

  it('lists the bucket again only where something seems broken', async () => {
    const trail = await createTrail();
    for (const object of ['a', 'b', 'c', 'd', 'e']) await trail.record(object);
    await trail.seal();
    let lists = 0;
    const listVersions: typeof trail.seals.listVersions = (query) => {
      lists += 1;
      return trail.seals.listVersions(query);
    };
    const { broken } = await verifyTrail({ catalog: trail.catalog, seals: { ...trail.seals, listVersions } });
    expect(broken).toBeUndefined();
    // All of them, the first, and the place of the second.
    expect(lists).toBe(3);
  });

  it('takes in what was sealed while it looked', async () => {
    const trail = await createTrail();
    await trail.record('a');
    await trail.seal();
    await trail.record('a');
    let sealed = false;
    const query: typeof trail.catalog.query = async (asked) => {
      if (asked.partition.startsWith('AUDIT#') && !sealed) {
        sealed = true;
        await trail.seal();
      }
      return trail.catalog.query(asked);
    };
    const verified = await verifyTrail({ catalog: { ...trail.catalog, query }, seals: trail.seals });
    expect(verified).toEqual({ seals: 2, objects: 1, entries: 2, unsealed: 0 });
  });
});
