import { createFileObjectStore } from '../../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import type { AuditEntry } from '../../../events/audit-seal/v1.ts';
import { auditChanges, sealTrail, verifyTrail } from '../../../lib/audit/index.ts';
import { AuditEntryRow } from '../../../lib/catalog/index.ts';
import { CorrelationId } from '../../../lib/shared/ids.ts';
import type { CatalogStore } from '../../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../../lib/shared/ports/objectStore.ts';
import { DAY_MS, DurationMs } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

/** A trail on the embedded stores in memory. */
export async function createTrail() {
  const clock = createManualClock();
  const recorded = recordedTelemetry();
  const catalog: CatalogStore = createSqliteCatalogStore(openDatabase(':memory:'));
  const seals: ObjectStore = await createFileObjectStore({
    disk: createMemDisk(),
    database: openDatabase(':memory:'),
    bucket: 'audit',
    region: 'local',
    clock,
    random: nodeRandom,
  });
  const deps = { catalog, seals, clock, settings: { auditRetentionMs: DurationMs.parse(DAY_MS) } };
  const call = { telemetry: recorded.telemetry, remainingMs: () => 60_000 };
  return {
    ...deps,
    deps,
    call,
    recorded,
    /** Adds an entry to an object's history. */
    async record(object: string, text = 'said'): Promise<void> {
      const by = { kind: 'operator' as const, name: 'ada' };
      const correlationId = CorrelationId.parse('test');
      const record = { object, at: clock.now(), action: 'judged' as const, by, text, correlationId };
      await catalog.transact(await auditChanges(catalog, record));
      await clock.advance(1);
    },
    seal: (over: Partial<typeof deps> = {}) => sealTrail({ ...deps, ...over }, call),
    verify: (since?: Parameters<typeof verifyTrail>[1]) => verifyTrail({ catalog, seals }, since),
    async entries(object: string): Promise<readonly AuditEntry[]> {
      const { items } = await catalog.query({ partition: AuditEntryRow.key(object, 1).partition, limit: 1000 });
      return items.map((item) => AuditEntryRow.parse(item).value);
    },
    /** Writes over a row behind the plane's back, or takes it away. */
    async forge(object: string, number: number, entry: AuditEntry | undefined): Promise<void> {
      const key = AuditEntryRow.key(object, number);
      const row = await catalog.get(key);
      const expect = row === undefined ? ('absent' as const) : { version: row.version };
      if (entry !== undefined) {
        const item = { key, body: { v: 1, ...entry } };
        await catalog.transact([{ kind: 'put', item, expect }]);
      } else if (expect !== 'absent') await catalog.transact([{ kind: 'delete', key, expect }]);
    },
  };
}
export type Trail = Awaited<ReturnType<typeof createTrail>>;
