import type { DatabaseSync } from 'node:sqlite';
import { EpochMs } from '../../shared/units.ts';
import { applySchema, mapErrors } from './sqlite.ts';

const DDL = 'CREATE TABLE fired (schedule TEXT PRIMARY KEY, moment INTEGER NOT NULL) STRICT';

/** Which moment of each schedule was fired last; what a restart needs to fire a missed one once. */
export interface ScheduleLog {
  lastFired(schedule: string): EpochMs | undefined;
  fired(schedule: string, moment: EpochMs): void;
}

export function createScheduleLog(database: DatabaseSync): ScheduleLog {
  applySchema(database, 1, DDL);
  const select = database.prepare('SELECT moment FROM fired WHERE schedule = ?');
  const upsert = database.prepare('INSERT OR REPLACE INTO fired (schedule, moment) VALUES (?, ?)');
  return {
    lastFired(schedule) {
      const row = mapErrors(() => select.get(schedule));
      return row === undefined ? undefined : EpochMs.parse(row['moment']);
    },
    fired(schedule, moment) {
      mapErrors(() => upsert.run(schedule, moment));
    },
  };
}
