import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod/mini';
import { StorageClass } from '../../shared/ids.ts';
import type { VerifiedParts } from '../../shared/ports/objectStore.ts';
import { EpochMs } from '../../shared/units.ts';
import { applySchema, boundLimit, mapErrors, numberAt, prepareRows, type Row, textAt } from './sqlite.ts';

/**
 * What the file object store knows of its bucket. `file` names the bytes; versions that were copied from each other share
 * one. A file in `loose` belongs to no version: it is being written, or its last version was removed.
 */
const DDL = `
  CREATE TABLE versions (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, version_id TEXT NOT NULL,
    file TEXT, size INTEGER NOT NULL, storage_class TEXT NOT NULL, modified_at INTEGER NOT NULL, metadata TEXT NOT NULL,
    part_size INTEGER, parts TEXT, UNIQUE (key, version_id)
  ) STRICT;
  CREATE INDEX newest ON versions (key, seq DESC);
  CREATE INDEX files ON versions (file) WHERE file IS NOT NULL;
  CREATE TABLE loose (file TEXT PRIMARY KEY) STRICT;
  CREATE TABLE sequence (last INTEGER NOT NULL) STRICT;
  INSERT INTO sequence VALUES (0);
  CREATE TABLE notifications (id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT`;

const Text = z.string();
const Checksums = z.array(Text);
/** Earlier releases wrote the hashes alone. */
const PartChecksums = z.union([
  z.object({ sha256: Checksums, crc32c: Checksums }),
  z.pipe(
    Checksums,
    z.transform((sha256): VerifiedParts => ({ sha256 })),
  ),
]);
const Metadata = z.record(Text, Text);

const COLUMNS = 'seq, key, version_id, file, size, storage_class, modified_at, metadata, part_size, parts';
/** Where a listing says whether the version is its key's latest. */
const LATEST = 10;

export interface StoredVersion {
  /** Its place in the order of all changes of the bucket. */
  readonly seq: number;
  readonly key: string;
  readonly versionId: string;
  /** Absent for a delete marker. */
  readonly file?: string;
  readonly size: number;
  readonly storageClass: StorageClass;
  readonly modifiedAt: EpochMs;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of each part of `size` bytes, computed while the bytes came in. */
  readonly parts?: VerifiedParts & { readonly size: number };
}

export interface ListedVersion {
  readonly version: StoredVersion;
  readonly isLatest: boolean;
}

/** The rows of one bucket. Callers open the transactions. */
export function createObjectIndex(database: DatabaseSync) {
  applySchema(database, 1, DDL);
  const statements = {
    current: prepareRows(database, `SELECT ${COLUMNS} FROM versions WHERE key = ? ORDER BY seq DESC LIMIT 1`),
    version: prepareRows(database, `SELECT ${COLUMNS} FROM versions WHERE key = ? AND version_id = ?`),
    bySequence: prepareRows(database, `SELECT ${COLUMNS} FROM versions WHERE seq = ?`),
    insert: database.prepare(`INSERT INTO versions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    advance: database.prepare('UPDATE sequence SET last = last + 1 RETURNING last'),
    remove: database.prepare('DELETE FROM versions WHERE seq = ?'),
    sharers: database.prepare('SELECT count(*) AS sharers FROM versions WHERE file = ?'),
    list: prepareRows(
      database,
      `SELECT ${COLUMNS}, seq = (SELECT max(seq) FROM versions AS other WHERE other.key = versions.key) FROM versions
       WHERE key >= $prefix AND key < $end AND ($key IS NULL OR key > $key OR (key = $key AND seq < $seq))
       ORDER BY key, seq DESC ${boundLimit('$limit')}`,
    ),
    loosen: database.prepare('INSERT OR IGNORE INTO loose (file) VALUES (?)'),
    settle: database.prepare('DELETE FROM loose WHERE file = ?'),
    loose: database.prepare('SELECT file FROM loose ORDER BY file'),
    notify: database.prepare('INSERT INTO notifications (event) VALUES (?)'),
    pending: database.prepare(`SELECT id, event FROM notifications ORDER BY id ${boundLimit()}`),
    delivered: database.prepare('DELETE FROM notifications WHERE id = ?'),
  };

  return {
    current(key: string): StoredVersion | undefined {
      const row = mapErrors(() => statements.current.get(key));
      return row === undefined ? undefined : versionOf(row);
    },
    version(key: string, versionId: string): StoredVersion | undefined {
      const row = mapErrors(() => statements.version.get(key, versionId));
      return row === undefined ? undefined : versionOf(row);
    },
    bySequence(seq: number): StoredVersion | undefined {
      const row = mapErrors(() => statements.bySequence.get(seq));
      return row === undefined ? undefined : versionOf(row);
    },
    /** The place of the next change in the order of all changes of the bucket. */
    nextSequence(): number {
      return Number(statements.advance.get()?.['last']);
    },
    insert(version: StoredVersion): void {
      const { parts } = version;
      statements.insert.run(
        version.seq,
        version.key,
        version.versionId,
        version.file ?? null,
        version.size,
        version.storageClass,
        version.modifiedAt,
        JSON.stringify(version.metadata),
        parts?.size ?? null,
        parts === undefined ? null : JSON.stringify({ sha256: parts.sha256, crc32c: parts.crc32c }),
      );
    },
    remove(version: StoredVersion): void {
      statements.remove.run(version.seq);
    },
    isShared(file: string): boolean {
      return Number(statements.sharers.get(file)?.['sharers']) > 0;
    },
    /** Keys between `prefix` and `end`, after the version that `after` names. */
    list(prefix: string, end: string, limit: number, after?: readonly [string, number]): readonly ListedVersion[] {
      const bounds = { $prefix: prefix, $end: end, $key: after?.[0] ?? null, $seq: after?.[1] ?? null, $limit: limit };
      const rows = mapErrors(() => statements.list.all(bounds));
      return rows.map((row) => ({ version: versionOf(row), isLatest: row[LATEST] === 1 }));
    },
    loosen(file: string): void {
      mapErrors(() => statements.loosen.run(file));
    },
    settle(file: string): void {
      mapErrors(() => statements.settle.run(file));
    },
    loose(): readonly string[] {
      return mapErrors(() => statements.loose.all().map((row) => Text.parse(row['file'])));
    },
    notify(event: string): void {
      statements.notify.run(event);
    },
    pending(limit: number): readonly { readonly id: number; readonly event: string }[] {
      const rows = mapErrors(() => statements.pending.all(limit));
      return rows.map((row) => ({ id: Number(row['id']), event: Text.parse(row['event']) }));
    },
    delivered(id: number): void {
      mapErrors(() => statements.delivered.run(id));
    },
  };
}

function versionOf(row: Row): StoredVersion {
  return {
    seq: numberAt(row, 0),
    key: textAt(row, 1),
    versionId: textAt(row, 2),
    size: numberAt(row, 4),
    storageClass: StorageClass.parse(row[5]),
    modifiedAt: EpochMs.parse(row[6]),
    metadata: metadataOf(textAt(row, 7)),
    ...(row[3] === null ? {} : { file: textAt(row, 3) }),
    ...(row[8] === null || row[9] === null
      ? {}
      : { parts: { size: numberAt(row, 8), ...PartChecksums.parse(JSON.parse(textAt(row, 9))) } }),
  };
}

function metadataOf(text: string): StoredVersion['metadata'] {
  return text === '{}' ? {} : Metadata.parse(JSON.parse(text));
}
