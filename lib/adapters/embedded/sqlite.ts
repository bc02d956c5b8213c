import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { PortError } from '../../shared/errors.ts';

/**
 * Opens one of the embedded runtime's databases; `:memory:` gives one that lives as long as the handle.
 * WAL with `synchronous=FULL`: what a call has answered survives a power cut. Only the runtime process opens these files.
 */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  return database;
}

/** Creates the tables in a fresh database; refuses one that another schema version wrote. */
export function applySchema(database: DatabaseSync, version: number, ddl: string): void {
  const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (found === version) return;
  if (found !== 0) {
    throw new PortError({
      code: 'corrupt',
      message: `The database has schema version ${String(found)}, this release reads ${version}. Start the release that wrote it.`,
      retryable: false,
    });
  }
  database.exec(`BEGIN IMMEDIATE; ${ddl}; PRAGMA user_version = ${version}; COMMIT;`);
}

/** A statement whose rows come as arrays: naming ten columns of a row costs more than finding it. */
export function prepareRows(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** A row of such a statement: its values by column. The strict tables promise their types; a schema would cost more than the query. */
export type Row = Readonly<Record<number, SQLOutputValue>>;

export function textAt(row: Row, column: number): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new TypeError(`Column ${column} holds no text.`);
}

export function numberAt(row: Row, column: number): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new TypeError(`Column ${column} holds no number.`);
}

/**
 * A limit that is bound at each call. SQLite looks into a bare `LIMIT ?` while it plans, and so would plan the statement
 * anew at each call; into a sum it does not look.
 */
export function boundLimit(parameter = '?'): string {
  return `LIMIT ${parameter} + 0`;
}

/**
 * Runs `work` in one write transaction. It is synchronous on purpose: an await between BEGIN and COMMIT would let another
 * task's write fall into the transaction. `commit: false` rolls back and still answers the value.
 */
export function transaction<T>(database: DatabaseSync, work: () => { readonly commit: boolean; readonly value: T }): T {
  const { begin, commit, rollback } = boundariesOf(database);
  return mapErrors(() => {
    begin.run();
    try {
      const done = work();
      (done.commit ? commit : rollback).run();
      return done.value;
    } catch (error) {
      if (database.isTransaction) rollback.run();
      throw error;
    }
  });
}

interface Boundaries {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly rollback: StatementSync;
}

const boundaries = new WeakMap<DatabaseSync, Boundaries>();

function boundariesOf(database: DatabaseSync): Boundaries {
  const known = boundaries.get(database);
  if (known !== undefined) return known;
  const [begin, commit, rollback] = [
    database.prepare('BEGIN IMMEDIATE'),
    database.prepare('COMMIT'),
    database.prepare('ROLLBACK'),
  ];
  const prepared = { begin, commit, rollback };
  boundaries.set(database, prepared);
  return prepared;
}

// Result codes of https://www.sqlite.org/rescode.html; extended codes carry the primary one in their low byte.
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Translates SQLite's exceptions to the port's errors. */
export function mapErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    const broken = code === CORRUPT || code === NOT_A_DATABASE;
    throw new PortError({
      code: broken ? 'corrupt' : code === BUSY || code === LOCKED ? 'throttled' : 'unavailable',
      message: broken
        ? 'A database of the embedded runtime is damaged. Restore its folder from a backup.'
        : `A database of the embedded runtime did not answer (SQLite code ${code}). Check the disk's free space.`,
      retryable: !broken,
      cause: error,
    });
  }
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
