import { crc32 } from 'node:zlib';
import * as z from 'zod/mini';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import { FOLDERS, LEDGER_PATH } from './paths.ts';
import { applyRecord, emptyState, type LedgerState, recordsOf } from './ledgerState.ts';
import { LedgerRecord } from './records.ts';

/*
 * The ledger is an append-only file of lines, `<crc32, 8 hex> <JSON list of records>\n`; one line is what one `commit`
 * round wrote, so a torn write loses whole rounds that nobody was told of. A bad line with nothing sound after it is such
 * a torn tail and is cut off. A bad line before sound ones is damage: what the file says can no longer be trusted about
 * blobs, and the caller rebuilds them from the disk.
 *
 * When the file has grown, it is replaced by the fewest lines that add up to the same state (write aside, sync, rename).
 */
export interface Ledger {
  /** Holds exactly what is durable: it changes when a commit is synced, never before. */
  readonly state: LedgerState;
  /** Resolves when the records are durable and applied, in order, all or none. Rejects with `DiskError`; then none is applied. */
  commit(records: readonly LedgerRecord[]): Promise<void>;
}

export interface OpenedLedger {
  readonly ledger: Ledger;
  /** `new`: there was none. `damaged`: records in the middle are unreadable; the readable ones were applied. */
  readonly condition: 'sound' | 'new' | 'damaged';
}

const COMPACT_ABOVE_BYTES = 1_048_576;
const RECORDS_PER_LINE = 500;
const ASIDE_PATH = `${LEDGER_PATH}.next`;
const LineRecords = z.array(LedgerRecord);

interface Waiting {
  readonly records: readonly LedgerRecord[];
  readonly settle: (error?: unknown) => void;
}

export async function openLedger(disk: Disk): Promise<OpenedLedger> {
  await disk.makeDirectory(FOLDERS.state);
  await disk.remove(ASIDE_PATH);
  const found = await disk.stat(LEDGER_PATH);
  const text = found === undefined ? '' : Buffer.from(await readAll(disk, found.size)).toString('utf8');
  const { state, soundBytes, damaged } = readLines(text);
  const condition = found === undefined ? 'new' : damaged ? 'damaged' : 'sound';
  const writer = createWriter(disk, state, soundBytes);
  // A damaged or empty file starts over from what could be read, so that the next start finds a sound one.
  if (condition !== 'sound') await writer.compact();
  return { ledger: { state, commit: writer.commit }, condition };
}

function createWriter(disk: Disk, state: LedgerState, soundBytes: number) {
  let end = soundBytes;
  let compactAbove = Math.max(COMPACT_ABOVE_BYTES, soundBytes * 2);
  let waiting: Waiting[] = [];
  let writing = false;
  let nameSynced = true;

  async function compact(): Promise<void> {
    const records = recordsOf(state);
    const lines: string[] = [];
    for (let at = 0; at < records.length; at += RECORDS_PER_LINE) {
      lines.push(lineOf(records.slice(at, at + RECORDS_PER_LINE)));
    }
    const bytes = Buffer.from(lines.join(''));
    await disk.remove(ASIDE_PATH);
    await disk.write(ASIDE_PATH, 0, bytes);
    await disk.sync(ASIDE_PATH);
    await disk.rename(ASIDE_PATH, LEDGER_PATH);
    // From here on the name means the new file, whether or not the folder can be synced.
    end = bytes.length;
    compactAbove = Math.max(COMPACT_ABOVE_BYTES, end * 2);
    nameSynced = false;
    await syncName();
  }

  /** Until this has succeeded a power cut may bring the old file back, so nothing in the new one is durable. */
  async function syncName(): Promise<void> {
    if (nameSynced) return;
    await disk.syncDirectory(FOLDERS.state);
    nameSynced = true;
  }

  /** One round takes all that wait now: one write and one sync for however many callers. */
  async function writeRound(round: readonly Waiting[]): Promise<void> {
    const records = round.flatMap((one) => one.records);
    const bytes = Buffer.from(lineOf(records));
    if (end + bytes.length > compactAbove) await compact();
    await syncName();
    // A failed round leaves bytes behind `end`; the next one overwrites them, and a start in between takes them for a torn tail.
    await disk.write(LEDGER_PATH, end, bytes);
    await disk.sync(LEDGER_PATH);
    end += bytes.length;
    for (const record of records) applyRecord(state, record);
  }

  async function writeRounds(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const round = waiting;
      waiting = [];
      try {
        await writeRound(round);
        for (const one of round) one.settle();
      } catch (error) {
        for (const one of round) one.settle(error);
      }
    }
    writing = false;
  }

  function commit(records: readonly LedgerRecord[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push({ records, settle: (error) => (error === undefined ? resolve() : reject(asDiskError(error))) });
    if (!writing) void writeRounds();
    return promise;
  }

  return { commit, compact };
}

function asDiskError(error: unknown): DiskError {
  return error instanceof DiskError ? error : new DiskError('io', 'The ledger could not be written.', error);
}

function lineOf(records: readonly LedgerRecord[]): string {
  const text = JSON.stringify(records);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

function recordsOfLine(line: string): readonly LedgerRecord[] | undefined {
  const text = line.slice(9);
  if (line.length < 9 || crc32(text).toString(16).padStart(8, '0') !== line.slice(0, 8)) return undefined;
  const parsed = LineRecords.safeParse(jsonOf(text));
  return parsed.success ? parsed.data : undefined;
}

/** A checksum that fits is no proof that we wrote the line: that of nothing is eight zeros. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface ReadLedger {
  readonly state: LedgerState;
  readonly soundBytes: number;
  readonly damaged: boolean;
}

function readLines(text: string): ReadLedger {
  const state = emptyState();
  let at = 0;
  let soundBytes = 0;
  let badLine = false;
  let damaged = false;
  for (let stop = text.indexOf('\n', at); stop >= 0; stop = text.indexOf('\n', at)) {
    const line = text.slice(at, stop);
    const records = recordsOfLine(line);
    at = stop + 1;
    if (records === undefined) {
      badLine = true;
      continue;
    }
    damaged ||= badLine;
    for (const record of records) applyRecord(state, record);
    soundBytes += Buffer.byteLength(line) + 1;
  }
  return { state, soundBytes, damaged };
}

async function readAll(disk: Disk, size: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < size; ) {
    const piece = await disk.read(LEDGER_PATH, at, Math.min(size - at, COMPACT_ABOVE_BYTES));
    if (piece.length === 0) break;
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}
