import type { DatabaseSync } from 'node:sqlite';
import { PortError } from '../../shared/errors.ts';
import type { EpochMs } from '../../shared/units.ts';
import type { StoredVersion } from './objectIndex.ts';

// Added to databases of older releases too: a table that is absent there locks nothing.
const DDL = 'CREATE TABLE IF NOT EXISTS locks (seq INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT';

/** Until when versions must stay. Callers open the transactions. */
export function createObjectLocks(database: DatabaseSync) {
  database.exec(DDL);
  const statements = {
    lock: database.prepare('INSERT INTO locks (seq, until) VALUES (?, ?)'),
    until: database.prepare('SELECT until FROM locks WHERE seq = ?'),
  };
  return {
    lock({ seq }: StoredVersion, until: EpochMs): void {
      statements.lock.run(seq, until);
    },
    /** Throws `PortError` `access-denied`. */
    refuseLocked({ key, seq, versionId }: StoredVersion, now: EpochMs): void {
      const until = Number(statements.until.get(seq)?.['until'] ?? 0);
      if (until <= now) return;
      throw new PortError({
        code: 'access-denied',
        message: `${key} (version ${versionId}) is locked until ${new Date(until).toISOString()}.`,
        retryable: false,
      });
    },
  };
}
