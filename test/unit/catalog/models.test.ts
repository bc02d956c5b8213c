import * as fc from 'fast-check';
import semver from 'semver';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import {
  AliasRow,
  deprecateVersion,
  listModels,
  listVersions,
  ModelRow,
  newestVersion,
  parseReference,
  promoteAlias,
  publishedModelPut,
  resolveVersion,
  removeAlias,
  rollbackAlias,
  VersionRow,
} from '../../../lib/catalog/index.ts';
import type { CatalogStore } from '../../../lib/shared/ports/catalogStore.ts';
import { CorrelationId, Digest, KeySegment, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../../lib/shared/units.ts';

const FLUX = ModelName.parse('flux');
const NOW = EpochMs.parse(1_000);
const version = (text: string) => SemVer.parse(text);

async function catalogOf(...versions: readonly string[]) {
  const store = createSqliteCatalogStore(openDatabase(':memory:'));
  for (const text of versions) {
    await store.transact([
      VersionRow.put(
        {
          model: FLUX,
          version: version(text),
          files: [
            {
              file: KeySegment.parse('f'),
              role: 'weights',
              kind: 'other',
              digest: Digest.parse('a'.repeat(64)),
              size: Bytes.parse(1),
            },
          ],
          publishedAt: NOW,
          correlationId: CorrelationId.parse('c'),
          deprecated: false,
        },
        'absent',
      ),
      await publishedModelPut(store, { model: FLUX, version: version(text) }, NOW),
    ]);
  }
  return store;
}

const resolved = async (store: Awaited<ReturnType<typeof catalogOf>>, reference: string) => {
  const outcome = await resolveVersion(store, FLUX, reference);
  return outcome.outcome === 'found' ? outcome.version.version : outcome.outcome;
};

describe('a reference', () => {
  it.each([
    ['latest', '1.10.0'],
    ['1.2.0', '1.2.0'],
    ['^1.2', '1.10.0'],
    ['~1.2', '1.2.1'],
    ['1.x', '1.10.0'],
    ['<1', '0.9.0'],
    ['>=2.0.0-0', '2.0.0-beta.1'],
    ['2.0.0-beta.1', '2.0.0-beta.1'],
    ['^3', 'unknown-version'],
    ['9.9.9', 'unknown-version'],
    ['nonsense', 'unknown-version'],
    ['stable', '1.2.0'],
  ])('%s means %s', async (reference, expected) => {
    const store = await catalogOf('1.2.0', '0.9.0', '1.10.0', '2.0.0-beta.1', '1.2.1');
    await promoteAlias(store, { model: FLUX, alias: 'stable', version: version('1.2.0'), now: NOW, dryRun: false });
    expect(await resolved(store, reference)).toBe(expected);
  });

  it('to a model that is not there is told apart', async () => {
    expect(await resolveVersion(await catalogOf(), FLUX, 'latest')).toEqual({ outcome: 'unknown-model' });
  });

  it.each([
    ['flux', { model: 'flux', reference: 'latest' }],
    ['flux@^1.2', { model: 'flux', reference: '^1.2' }],
  ])('%s is split', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each(['', 'Flux', '../x', 'flux@', '@1.0.0', `flux@${'1'.repeat(200)}`])('%j is refused', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'invalid-reference' }) as Error);
  });
});

describe('the newest version', () => {
  it('is the highest without a pre-release, whatever the order of publication', () => {
    const part = fc.nat(3);
    const any = fc
      .tuple(part, part, part, fc.constantFrom('', '-rc.1', '-alpha'))
      .map(([major, minor, patch, pre]) => version(`${major}.${minor}.${patch}${pre}`));
    fc.assert(
      fc.property(any, fc.array(any, { maxLength: 8 }), (first, rest) => {
        const all = [first, ...rest];
        const newest = newestVersion([first, ...rest]);
        const released = all.filter((one) => semver.prerelease(one) === null);
        const candidates = released.length > 0 ? released : all;
        expect(candidates).toContain(newest);
        expect(candidates.every((one) => semver.gte(newest, one))).toBe(true);
      }),
    );
  });
});

describe('an alias', () => {
  const at = { model: FLUX, alias: 'stable', now: NOW, dryRun: false };

  it('is promoted, rolled back, and rolled forward again', async () => {
    const store = await catalogOf('1.0.0', '1.1.0');
    await promoteAlias(store, { ...at, version: version('1.0.0') });
    await promoteAlias(store, { ...at, version: version('1.1.0') });
    expect(await rollbackAlias(store, at)).toMatchObject({ version: '1.0.0', previous: '1.1.0' });
    expect(await rollbackAlias(store, at)).toMatchObject({ version: '1.1.0', previous: '1.0.0' });
    expect(await resolved(store, 'stable')).toBe('1.1.0');
  });

  it('keeps where it can be rolled back to when it is promoted to where it is', async () => {
    const store = await catalogOf('1.0.0', '1.1.0');
    for (const text of ['1.0.0', '1.1.0', '1.1.0']) await promoteAlias(store, { ...at, version: version(text) });
    expect(await rollbackAlias(store, at)).toMatchObject({ version: '1.0.0' });
  });

  it('is taken away, and the version stays', async () => {
    const store = await catalogOf('1.0.0');
    await promoteAlias(store, { ...at, version: version('1.0.0') });
    expect(await removeAlias(store, { ...at, dryRun: true })).toMatchObject({ version: '1.0.0' });
    expect(await resolved(store, 'stable')).toBe('1.0.0');
    expect(await removeAlias(store, at)).toMatchObject({ version: '1.0.0' });
    expect(await AliasRow.get(store, FLUX, 'stable')).toBeUndefined();
    expect(await resolved(store, '1.0.0')).toBe('1.0.0');
    await expect(removeAlias(store, at)).rejects.toMatchObject({ code: 'unknown-alias' });
  });

  it('is taken away also where the write that did it was answered as lost', async () => {
    const store = await catalogOf('1.0.0');
    await promoteAlias(store, { ...at, version: version('1.0.0') });
    const forgetful: CatalogStore = {
      ...store,
      async transact(changes) {
        await store.transact(changes);
        return { outcome: 'conflict', keys: [] };
      },
    };
    expect(await removeAlias(forgetful, at)).toMatchObject({ version: '1.0.0' });
  });

  it('is not written by a dry run', async () => {
    const store = await catalogOf('1.0.0');
    expect(await promoteAlias(store, { ...at, version: version('1.0.0'), dryRun: true })).toMatchObject({
      version: '1.0.0',
    });
    expect(await AliasRow.get(store, FLUX, 'stable')).toBeUndefined();
  });

  it('is refused for unknown versions and reserved names, with a code', async () => {
    const store = await catalogOf('1.0.0');
    await expect(promoteAlias(store, { ...at, version: version('2.0.0') })).rejects.toMatchObject({
      code: 'unknown-version',
    });
    await expect(promoteAlias(store, { ...at, alias: 'latest', version: version('1.0.0') })).rejects.toMatchObject({
      code: 'invalid-reference',
    });
    await expect(rollbackAlias(store, at)).rejects.toMatchObject({ code: 'unknown-alias' });
    await promoteAlias(store, { ...at, version: version('1.0.0') });
    await expect(rollbackAlias(store, at)).rejects.toMatchObject({ code: 'no-previous' });
  });
});

describe('a deprecated version', () => {
  const deprecate = (store: Awaited<ReturnType<typeof catalogOf>>, text: string, deprecated = true) =>
    deprecateVersion(store, { model: FLUX, version: version(text), deprecated, now: NOW, dryRun: false });

  it('is passed over by latest and ranges, but not by its own number', async () => {
    const store = await catalogOf('1.0.0', '1.1.0');
    await deprecate(store, '1.1.0');
    expect(await resolved(store, 'latest')).toBe('1.0.0');
    expect(await resolved(store, '^1')).toBe('1.0.0');
    expect(await resolved(store, '1.1.0')).toBe('1.1.0');
    await deprecate(store, '1.1.0', false);
    expect(await resolved(store, 'latest')).toBe('1.1.0');
  });

  it('stays the newest where all are deprecated, until another is published', async () => {
    const store = await catalogOf('1.0.0', '2.0.0');
    for (const text of ['1.0.0', '2.0.0']) await deprecate(store, text);
    expect(await resolved(store, 'latest')).toBe('2.0.0');
    expect(await resolved(store, '^1')).toBe('1.0.0');
    const [like] = await listVersions(store, FLUX);
    if (like === undefined) throw new Error('no version');
    await store.transact([
      VersionRow.put({ ...like, version: version('1.5.0'), deprecated: false }, 'absent'),
      await publishedModelPut(store, { model: FLUX, version: version('1.5.0') }, NOW),
    ]);
    expect(await resolved(store, 'latest')).toBe('1.5.0');
    expect((await ModelRow.get(store, FLUX))?.value.versions).toBe(3);
  });
});

describe('lists', () => {
  it('name versions by number, newest first, and models page by page', async () => {
    const store = await catalogOf('1.2.0', '1.10.0', '1.9.0');
    expect((await listVersions(store, FLUX)).map((row) => row.version)).toEqual(['1.10.0', '1.9.0', '1.2.0']);
    const page = await listModels(store, 1);
    expect(page.models.map(({ name }) => name)).toEqual(['flux']);
  });
});
