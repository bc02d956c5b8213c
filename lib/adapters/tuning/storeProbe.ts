import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdtemp, open, readdir, rmdir, statfs, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MIB } from '../../shared/units.ts';
import { TuningError } from '../../tuning/index.ts';
import { download } from '../transfer/download/download.ts';
import { fetchError } from '../transfer/download/fetchError.ts';
import { probe } from '../transfer/download/probe.ts';
import { createTransferEngine } from '../transfer/engine.ts';
import { ENGINE_DEFAULTS } from '../transfer/engineConfig.ts';
import { createConnections } from '../transfer/http/connections.ts';
import type { ProxySettings } from '../transfer/http/proxy.ts';

export interface StoreProbeConfig {
  /** A folder of the store's volume. */
  readonly folder: string;
  /** Of the object that is fetched over loopback. */
  readonly bytes: number;
  /** An object that is fetched instead. */
  readonly url?: string;
  readonly proxies: ProxySettings;
}

/**
 * What a host does with a model, as the product does it. `fill`: the transfer engine brings an object into a file, by O_DIRECT
 * where the file system takes it, by threads of its own, from the first byte up to its sync. `load`: the file is read from end to end through the page cache, which does
 * not have it, in pieces that are smaller than what the kernel may read ahead, as by a process that maps it.
 */
export interface StoreProbe {
  /** Bytes a second. */
  measure(): Promise<{ readonly fill: number; readonly load: number }>;
  /** Removes its folder. */
  close(): Promise<void>;
}

const FOLDER = '.strata-tune-';
const FILE = /^[0-9a-f]{16}(\.part(\.journal)?)?$/;
const PIECE = 128 * 1024;
const CHUNK = MIB;

/** @throws TuningError `bad-store`, `no-room`; FetchError where the URL cannot be read */
export async function openStoreProbe(config: StoreProbeConfig): Promise<StoreProbe> {
  await checkFolder(config.folder);
  await removeLeftovers(config.folder);
  const origin = config.url === undefined ? await serveLoopback(config.bytes) : undefined;
  const proxies = origin === undefined ? config.proxies : { http: undefined, https: undefined, no: undefined };
  const url = new URL(config.url ?? origin?.url ?? '');
  const sign = async () => ({
    origin: url.origin,
    target: `${url.pathname}${url.search}`,
    headers: { 'User-Agent': 'strata' },
  });
  const connections = createConnections({ proxies, ca: undefined }, () => performance.now());
  const { retry, stallMs: timeoutMs } = ENGINE_DEFAULTS;
  const probed = await probe({ connections, retry, timeoutMs, sign });
  connections.close();
  if ('failure' in probed) {
    await origin?.close();
    throw fetchError(probed.failure, probed.retryable);
  }
  const folder = await makeFolder(config.folder, probed.identity.totalBytes ?? config.bytes).catch(async (error) => {
    await origin?.close();
    throw error;
  });
  const target = join(folder, randomBytes(8).toString('hex'));

  return {
    async measure() {
      // As of a process that begins now: memory that was taken before a setting was written keeps the pages that it has.
      const firstBytes: number[] = [];
      const engine = createTransferEngine({ proxies, onFirstByte: () => firstBytes.push(performance.now()) });
      const started = performance.now();
      try {
        const { bytes } = await download({ engine, probed, sign, name: 'tune', target, replace: true });
        const filled = performance.now();
        const [began = started] = firstBytes;
        await readThrough(target);
        const loaded = performance.now();
        return { fill: (1000 * bytes) / (filled - began), load: (1000 * bytes) / (loaded - filled) };
      } finally {
        await engine.close();
        await unlink(target).catch(() => undefined);
      }
    },
    async close() {
      await origin?.close();
      await removeFolder(folder);
    },
  };
}

/** Removes what runs that died have left in a store; a folder with anything else in it stays. */
export async function removeLeftovers(store: string): Promise<void> {
  const names = await readdir(store).catch(() => []);
  for (const name of names) {
    if (name.startsWith(FOLDER)) await removeFolder(join(store, name)).catch(() => undefined);
  }
}

async function removeFolder(folder: string): Promise<void> {
  // The store is another user's, who may put a link there.
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return;
  for (const name of await readdir(folder)) if (FILE.test(name)) await unlink(join(folder, name));
  await rmdir(folder);
}

async function checkFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new TuningError({ code: 'bad-store', message: `${folder} is no folder.`, retryable: false });
  }
}

/** For an object of so many bytes. */
async function makeFolder(store: string, bytes: number): Promise<string> {
  await checkRoom(store, bytes);
  return mkdtemp(join(store, FOLDER)).catch((cause: unknown) => {
    throw new TuningError({ code: 'bad-store', message: `${store} cannot be written.`, retryable: false, cause });
  });
}

async function checkRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < 2 * bytes) {
    const message = `Measuring takes twice ${bytes} bytes of free space in ${folder}.`;
    throw new TuningError({ code: 'no-room', message, retryable: false });
  }
}

async function readThrough(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const buffer = Buffer.allocUnsafe(PIECE);
  try {
    let bytesRead = 0;
    do ({ bytesRead } = await file.read(buffer, 0, PIECE, null));
    while (bytesRead > 0);
  } finally {
    await file.close();
  }
}

/** One object of random bytes, which no drive and no hypervisor can shrink, over and over. */
async function serveLoopback(bytes: number): Promise<{ readonly url: string; close(): Promise<void> }> {
  const chunk = randomBytes(CHUNK);
  const server = createServer((request, answer) => void answerRange(request, answer, bytes, chunk));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/object`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answerRange(request: IncomingMessage, answer: ServerResponse, bytes: number, chunk: Buffer) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const from = Number(first ?? 0);
  const to = last === undefined || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  answer.writeHead(first === undefined ? 200 : 206, {
    'Content-Length': to - from + 1,
    'Accept-Ranges': 'bytes',
    ETag: '"tune"',
    ...(first === undefined ? {} : { 'Content-Range': `bytes ${from}-${to}/${bytes}` }),
  });
  const body = request.method === 'HEAD' ? [] : pieces(chunk, to - from + 1);
  // A client that goes away ends it; the probe learns of it on its own side.
  await pipeline(Readable.from(body), answer).catch(() => undefined);
}

function* pieces(chunk: Buffer, bytes: number) {
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(chunk.length, left));
}
