import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import type { Change } from '../../lib/shared/ports/catalogStore.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { catalogStoreContract } from './catalogStore.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-catalog-'));
afterAll(() => rmSync(folder, { recursive: true }));

catalogStoreContract('SQLite in memory', async () => createSqliteCatalogStore(openDatabase(':memory:')));

const shared = createSqliteCatalogStore(openDatabase(join(folder, 'shared.db')));
catalogStoreContract('SQLite in a file', async () => shared);

describe('the SQLite catalog store', () => {
  const item = (sort: string, expiresAt?: number): Change => ({
    kind: 'put',
    item: {
      key: { partition: 'P', sort },
      body: { v: 1 },
      ...(expiresAt === undefined ? {} : { expiresAt: EpochMs.parse(expiresAt) }),
    },
    expect: 'absent',
  });

  it('finds everything again after its database was closed and opened', async () => {
    const path = join(folder, 'reopened.db');
    const first = openDatabase(path);
    await createSqliteCatalogStore(first).transact([item('a')]);
    first.close();
    const second = openDatabase(path);
    expect(await createSqliteCatalogStore(second).get({ partition: 'P', sort: 'a' })).toMatchObject({ version: 1 });
    second.close();
  });

  it('drops expired items only after their moment', async () => {
    const store = createSqliteCatalogStore(openDatabase(':memory:'));
    await store.transact([item('early', 1_000), item('late', 2_000), item('forever')]);
    expect(store.dropExpired(EpochMs.parse(1_000))).toBe(0);
    expect(store.dropExpired(EpochMs.parse(1_001))).toBe(1);
    const { items } = await store.query({ partition: 'P', limit: 10 });
    expect(items.map((found) => found.key.sort)).toEqual(['forever', 'late']);
  });

  it('refuses a database of another schema version', () => {
    const database = openDatabase(':memory:');
    database.exec('PRAGMA user_version = 99');
    expect(() => createSqliteCatalogStore(database)).toThrow(/schema version 99/);
  });
});
