import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { openAgain, openAnew } from '../../files/stagingFile.ts';
import { combineCrc32c, crc32cHex } from '../../../shared/crc32c/index.ts';
import { PART_SIZE } from '../../../shared/digest.ts';
import { makeRoom } from '../../node/claimBlocks.ts';
import { DiskError } from '../../../shared/ports/disk.ts';
import { cutRanges } from '../cutRanges.ts';
import type { RangeSource, TransferEngine } from '../engine.ts';
import { readRanges } from '../engineParts.ts';
import type { Failure } from '../failures.ts';
import { FetchError, fetchError } from './fetchError.ts';
import { type Journal, openJournal } from './journal.ts';
import type { Probed } from './probe.ts';

/*
 * One object into one file: `FILE.part` is filled part by part, each written to the journal `FILE.part.journal` once it is
 * on the device, and becomes FILE by one rename at the end. What a killed download leaves is continued by the next one.
 */
export interface DownloadJob {
  readonly engine: TransferEngine;
  readonly probed: Probed;
  readonly sign: RangeSource['sign'];
  readonly tls?: RangeSource['tls'];
  /** What names the object in the journal; no secrets. */
  readonly name: string;
  readonly target: string;
  /** `PART_SIZE` but in tests. */
  readonly partSize?: number;
  /** The SHA-256 of each part, where they are known. */
  readonly partHashes?: readonly string[];
  /** Of the whole object. */
  readonly expected?: { readonly sha256?: string; readonly crc32c?: string };
  /** Replaces a file that is there. */
  readonly replace: boolean;
  /** Of an object whose size the server does not tell; else what the volume has left. */
  readonly mostBytes?: number;
  /** Is given a way to ask for the bytes that are there, those of earlier runs included. */
  readonly onProgress?: (bytesDone: () => number) => void;
}

export interface Downloaded {
  readonly bytes: number;
  readonly bytesRead: number;
  readonly crc32c: string;
  /** Computed only where the caller knew it. */
  readonly sha256?: string;
}

/** @throws FetchError */
export async function download(job: DownloadJob): Promise<Downloaded> {
  const target = join(await realpath(dirname(resolve(job.target))).catch(noFolder), basename(job.target));
  if (!job.replace && (await stat(target).catch(() => undefined)) !== undefined) {
    throw new FetchError({
      code: 'exists',
      message: `${job.target} is there already; --force replaces it.`,
      retryable: false,
    });
  }
  const staging = `${target}.part`;
  const journalPath = `${staging}.journal`;
  const done = await fill(job, staging, journalPath);
  const sha256 = await checkWhole(job, staging, done.crc32c).catch(async (error: unknown) => {
    // Bytes that were read well and are the wrong ones: nothing of them is worth continuing.
    await rm(staging, { force: true });
    throw error;
  });
  await rename(staging, target);
  await syncFolder(dirname(target));
  return { ...done, ...(sha256 === undefined ? {} : { sha256 }) };
}

type Filled = Omit<Downloaded, 'sha256'>;

async function fill(job: DownloadJob, staging: string, journalPath: string): Promise<Filled> {
  const { identity, ranges } = job.probed;
  const size = identity.totalBytes;
  const pinned = identity.etag ?? identity.lastModified;
  // A link is removed, and so is another name of a file: what they lead to is not ours.
  const found = await lstat(staging).catch(() => undefined);
  const before = found?.isFile() === true && found.nlink === 1 ? found : undefined;
  // Without anything that names these bytes, what lies there may be of other ones.
  const fresh = !ranges || size === undefined || pinned === undefined || before?.size !== size;
  const file = await mapDisk(() => (fresh ? openAnew(staging, 0o644) : openAgain(staging)));
  try {
    if (size !== undefined) await mapDisk(() => makeRoom(file, staging, size));
    if (!ranges || size === undefined) return await fillWhole(job, file, staging);
    const name = `${job.name} ${size} ${pinned ?? ''}`;
    const partSize = job.partSize ?? PART_SIZE;
    const journal = await openJournal(journalPath, name, partSize, fresh);
    return await fillParts(job, { file, staging, size, partSize, journal });
  } finally {
    await file.close();
  }
}

async function fillWhole(job: DownloadJob, file: FileHandle, staging: string): Promise<Filled> {
  const { identity } = job.probed;
  const atMost = identity.totalBytes ?? job.mostBytes ?? (await freeBytes(staging));
  const source = sourceOf(job, identity);
  const running = job.engine.read({ source, path: staging, offset: 0, bytes: { atMost }, sha256: false, priority: 1 });
  job.onProgress?.(() => running.bytesSoFar());
  const end = await running.end;
  if (end.outcome === 'failed') {
    await rm(staging, { force: true });
    throw fetchError(end.failure, end.retryable);
  }
  await mapDisk(() => file.truncate(end.bytes));
  await mapDisk(() => file.sync());
  return { bytes: end.bytes, bytesRead: end.bytes, crc32c: crc32cHex(end.crc32c) };
}

function sourceOf(job: DownloadJob, identity: RangeSource['identity']): RangeSource {
  return { identity, sign: job.sign, ...(job.tls === undefined ? {} : { tls: job.tls }) };
}

interface Filling {
  readonly file: FileHandle;
  readonly staging: string;
  readonly size: number;
  readonly partSize: number;
  readonly journal: Journal;
}

/** Parts that are asked for at once: enough for every socket, however small they are cut. */
const PARTS_IN_HAND = 64;

async function fillParts(job: DownloadJob, filling: Filling): Promise<Filled> {
  const { engine, partHashes } = job;
  const { file, staging, size, partSize, journal } = filling;
  const source = sourceOf(job, job.probed.identity);
  const lengthOf = (part: number) => Math.min(partSize, size - part * partSize);
  const count = Math.ceil(size / partSize);
  const missing = Array.from({ length: count }, (_, part) => part).filter((part) => !journal.done.has(part));
  const running = new Set<ReturnType<typeof readRanges>>();
  let bytesDone = [...journal.done.keys()].reduce((sum, part) => sum + lengthOf(part), 0);
  let bytesRead = 0;
  let failed: { readonly error: unknown } | undefined;
  job.onProgress?.(() => [...running].reduce((sum, part) => sum + part.bytesSoFar(), bytesDone));

  async function readPart(part: number): Promise<string> {
    const range = { offset: part * partSize, length: lengthOf(part) };
    const expected = partHashes?.[part];
    for (let reads = 1; ; reads += 1) {
      const sha256 = expected !== undefined;
      const cut = sha256 ? [range] : cutRanges(range, size - bytesDone, engine.sockets());
      const reading = readRanges(engine, cut, { source, path: staging, sha256, priority: 1 });
      running.add(reading);
      const end = await reading.end;
      running.delete(reading);
      bytesRead += reading.bytesSoFar();
      if (end.outcome === 'failed') throw fetchError(end.failure, end.retryable);
      if (expected === undefined || end.sha256 === expected) return end.crc32c;
      if (reads > 1) throw wrongBytes(`Part ${part} does not have the SHA-256 that the store has verified for it.`);
    }
  }

  async function worker(): Promise<void> {
    for (let part = missing.shift(); part !== undefined && failed === undefined; part = missing.shift()) {
      try {
        const crc32c = await readPart(part);
        bytesDone += lengthOf(part);
        await mapDisk(() => file.datasync());
        await mapDisk(() => journal.add(part ?? 0, crc32c));
      } catch (error) {
        failed ??= { error };
        for (const other of running) other.cancel();
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(PARTS_IN_HAND, missing.length) }, worker));
  if (failed !== undefined) {
    const over = failed.error instanceof FetchError && STARTS_OVER.has(failed.error.code);
    if (over) {
      await journal.remove();
      await rm(staging, { force: true });
    } else await journal.close();
    throw failed.error;
  }
  await mapDisk(() => file.sync());
  await journal.remove();
  let crc32c = 0;
  for (let part = 0; part < count; part += 1) {
    crc32c = combineCrc32c(crc32c, Number.parseInt(journal.done.get(part) ?? '', 16), lengthOf(part));
  }
  return { bytes: size, bytesRead, crc32c: crc32cHex(crc32c) };
}

/** After these there is nothing to go on from. */
const STARTS_OVER = new Set<string>(['changed', 'wrong-bytes']);

async function checkWhole({ expected }: DownloadJob, path: string, crc32c: string): Promise<string | undefined> {
  if (expected?.crc32c !== undefined && expected.crc32c !== crc32c) {
    throw wrongBytes(`Its CRC-32C is ${crc32c} and should be ${expected.crc32c}.`);
  }
  if (expected?.sha256 === undefined) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  const sha256 = hash.digest('hex');
  if (sha256 !== expected.sha256) throw wrongBytes(`Its SHA-256 is ${sha256} and should be ${expected.sha256}.`);
  return sha256;
}

async function freeBytes(path: string): Promise<number> {
  const volume = await statfs(dirname(path));
  return volume.bavail * volume.bsize;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function mapDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const full = code === 'ENOSPC' || code === 'EDQUOT' || (error instanceof DiskError && error.code === 'no-space');
    const failure: Failure = {
      kind: full ? 'no-space' : 'disk-error',
      message: error instanceof Error ? error.message : String(error),
    };
    throw fetchError(failure, false);
  }
}

function noFolder(cause: unknown): never {
  throw new FetchError({
    code: 'disk-error',
    message: 'The folder of the file cannot be read.',
    retryable: false,
    cause,
  });
}

function wrongBytes(message: string): FetchError {
  return new FetchError({ code: 'wrong-bytes', message, retryable: false });
}
