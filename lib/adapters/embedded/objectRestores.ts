import type { DatabaseSync } from 'node:sqlite';
import type { StorageClass } from '../../shared/ids.ts';
import type { ObjectHead, RestoreOutcome, RestoreRequest, RestoreTier } from '../../shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../../shared/units.ts';
import type { StoredVersion } from './objectIndex.ts';
import { mapErrors } from './sqlite.ts';

/** How long a restore takes here. On one disk nothing needs to be fetched: minutes stand for the hours of a real archive. */
export type RestoreDelays = Readonly<Record<RestoreTier, number>>;
export const RESTORE_DELAYS: RestoreDelays = {
  expedited: MINUTE_MS / 6,
  standard: 2 * MINUTE_MS,
  bulk: 12 * MINUTE_MS,
};
const SLOWEST_FIRST: readonly string[] = ['bulk', 'standard', 'expedited'] satisfies readonly RestoreTier[];

const ARCHIVED: ReadonlySet<StorageClass> = new Set<StorageClass>(['GLACIER', 'DEEP_ARCHIVE']);

// Added to databases of older releases too: a table that is absent there holds nothing.
const DDL = `
  CREATE TABLE IF NOT EXISTS restores (
    seq INTEGER PRIMARY KEY, ready_at INTEGER NOT NULL, until INTEGER NOT NULL, told INTEGER NOT NULL,
    tier TEXT NOT NULL DEFAULT 'standard'
  ) STRICT`;
// Older releases did not write the tier; what they were restoring counts as the one that most restores have.
const ADD_TIER = `ALTER TABLE restores ADD COLUMN tier TEXT NOT NULL DEFAULT 'standard'`;

/** The restored copies of archived versions: nothing → restoring → restored → nothing again when its days are over. */
export function createObjectRestores(database: DatabaseSync, delays: RestoreDelays) {
  database.exec(DDL);
  const columns = database.prepare('PRAGMA table_info(restores)').all();
  if (!columns.some(({ name }) => name === 'tier')) database.exec(ADD_TIER);
  const statements = {
    get: database.prepare('SELECT ready_at, until, tier FROM restores WHERE seq = ?'),
    ask: database.prepare('INSERT OR REPLACE INTO restores (seq, ready_at, until, told, tier) VALUES (?, ?, ?, 0, ?)'),
    hasten: database.prepare('UPDATE restores SET ready_at = ?, until = ?, tier = ? WHERE seq = ?'),
    extend: database.prepare('UPDATE restores SET until = ? WHERE seq = ?'),
    remove: database.prepare('DELETE FROM restores WHERE seq = ?'),
    ready: database.prepare('SELECT seq FROM restores WHERE told = 0 AND ready_at <= ? ORDER BY seq LIMIT 100'),
    tell: database.prepare('UPDATE restores SET told = 1 WHERE seq = ?'),
    over: database.prepare('SELECT seq FROM restores WHERE until <= ? ORDER BY seq LIMIT 100'),
  };
  const seqs = (rows: readonly Record<string, unknown>[]): readonly number[] => rows.map((row) => Number(row['seq']));

  function state({ seq, storageClass }: StoredVersion, now: EpochMs): ObjectHead['restore'] {
    if (!ARCHIVED.has(storageClass)) return undefined;
    const row = mapErrors(() => statements.get.get(seq));
    const until = Number(row?.['until'] ?? 0);
    if (now >= until) return { state: 'archived' };
    return now < Number(row?.['ready_at'])
      ? { state: 'restoring' }
      : { state: 'restored', until: EpochMs.parse(until) };
  }

  /** A faster tier than that under way overrides it; the copy's days stay. */
  function hasten({ seq }: StoredVersion, { tier }: RestoreRequest, now: EpochMs): RestoreOutcome {
    const row = mapErrors(() => statements.get.get(seq));
    const [before, until] = [Number(row?.['ready_at']), Number(row?.['until'])];
    if (SLOWEST_FIRST.indexOf(tier) <= SLOWEST_FIRST.indexOf(String(row?.['tier']))) {
      return { outcome: 'under-way', readyAt: EpochMs.parse(before) };
    }
    const readyAt = EpochMs.parse(Math.min(before, now + Math.round(delays[tier])));
    mapErrors(() => statements.hasten.run(readyAt, until - before + readyAt, tier, seq));
    return { outcome: 'restoring', readyAt };
  }

  return {
    state,
    /** Whether its bytes cannot be read now. */
    isArchived(version: StoredVersion, now: EpochMs): boolean {
      const restore = state(version, now);
      return restore !== undefined && restore.state !== 'restored';
    },
    /** Begins a restore, makes the one under way faster, or lets a restored copy stay longer. */
    ask(version: StoredVersion, request: RestoreRequest, now: EpochMs): RestoreOutcome {
      const restore = state(version, now);
      if (restore === undefined) return { outcome: 'not-archived' };
      // As S3: Deep Archive has no expedited restores.
      if (request.tier === 'expedited' && version.storageClass === 'DEEP_ARCHIVE') {
        return { outcome: 'tier-unavailable' };
      }
      if (restore.state === 'restoring') return hasten(version, request, now);
      const restored = restore.state === 'restored';
      const readyAt = EpochMs.parse(restored ? now : now + Math.round(delays[request.tier]));
      const until = readyAt + request.days * DAY_MS;
      mapErrors(() =>
        restored
          ? statements.extend.run(until, version.seq)
          : statements.ask.run(version.seq, readyAt, until, request.tier),
      );
      return restored ? { outcome: 'restored' } : { outcome: 'restoring', readyAt };
    },
    /** Versions whose restore has ended since the last call; each is answered once. */
    takeReady(now: EpochMs): readonly number[] {
      const ready = seqs(statements.ready.all(now));
      for (const seq of ready) statements.tell.run(seq);
      return ready;
    },
    /** Versions whose restored copy's days are over; each is answered once. */
    takeOver(now: EpochMs): readonly number[] {
      const over = seqs(statements.over.all(now));
      for (const seq of over) statements.remove.run(seq);
      return over;
    },
  };
}
