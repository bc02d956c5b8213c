import { constants } from 'node:fs';
import { lstat, open, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { makeFolder } from '../files/makeFolder.ts';
import { JournalRecord, TuningError, type TuningJournal } from '../../tuning/index.ts';

const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;

/**
 * The journal in a folder (0700) of this user: opened → closed. While it is open no other process can have it; that ends with
 * the process, however it ends.
 * @throws TuningError `unsafe-folder`, `already-running`, `damaged-journal`
 */
export async function openTuningJournal(folder: string): Promise<TuningJournal & { close(): Promise<void> }> {
  try {
    makeFolder(folder, 0o700);
  } catch (cause) {
    const message = `${folder} cannot be made: run this as root, as \`sudo strata tune …\`, or name another folder with --journal.`;
    throw new TuningError({ code: 'unsafe-folder', message, retryable: false, cause });
  }
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    const message = `${folder} must be a folder that only its owner, who runs this, may write: what it says is written to /proc and /sys.`;
    throw new TuningError({ code: 'unsafe-folder', message, retryable: false });
  }
  const release = await takeTurn(folder);
  const path = join(folder, 'journal');
  const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  await syncFolder(folder);

  async function whole(): Promise<string> {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size);
    await file.read(bytes, 0, size, 0);
    const text = bytes.toString('utf8');
    // What is behind the last line end was torn off by a crash: nothing was changed on its word.
    return text.slice(0, text.lastIndexOf('\n') + 1);
  }

  return {
    async records() {
      return (await whole()).split('\n').filter(Boolean).map(parse);
    },
    async append(record) {
      const end = Buffer.byteLength(await whole());
      await file.truncate(end);
      const line = Buffer.from(`${JSON.stringify(record)}\n`);
      await file.write(line, 0, line.length, end);
      await file.sync();
    },
    async clear() {
      await file.truncate(0);
      await file.sync();
    },
    async close() {
      const empty = (await file.stat()).size === 0;
      await file.close();
      if (empty) await rm(path);
      await release();
    },
  };
}

function parse(line: string): JournalRecord {
  try {
    return JournalRecord.parse(JSON.parse(line));
  } catch (cause) {
    const message = 'The journal of tuning holds a line that is none: look at it by hand, then remove it.';
    throw new TuningError({ code: 'damaged-journal', message, retryable: false, cause });
  }
}

/** By a name of Linux' abstract sockets, which the kernel takes back when the process ends. */
async function takeTurn(folder: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32);
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', (cause) => {
      const message = 'Another `strata tune` is at work on this host.';
      failed(new TuningError({ code: 'already-running', message, retryable: true, cause }));
    });
    server.listen(`\0strata-tune-${name}`, done);
  });
  server.unref();
  return () => new Promise((done) => void server.close(() => done()));
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
