import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { RETRY_LIMITS } from '../../lib/adapters/transfer/decideRetry.ts';
import { createTransferEngine, type TransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { createEngineParts } from '../../lib/adapters/transfer/engineParts.ts';
import { createPartsTransfer } from '../../lib/adapters/transfer/partsTransfer.ts';
import { type RangeServer, startRangeServer } from '../support/rangeServer.ts';
import { transferContract } from './transfer.suite.ts';

/** Where the contract runs; tmpfs may take O_DIRECT or not, a disk should. */
const ON_DISK = join(import.meta.dirname, '../../node_modules/.cache');
const PLACES = [ON_DISK, '/dev/shm'];

describe.each(PLACES)('in %s', (place) => {
  let server: RangeServer;
  let engine: TransferEngine;
  const folders: string[] = [];
  beforeAll(async () => {
    await mkdir(place, { recursive: true });
    server = await startRangeServer();
    engine = createTransferEngine({ retry: { ...RETRY_LIMITS, basePauseMs: 1 } });
  });
  afterEach(async () => {
    for (const folder of folders.splice(0, folders.length - 1)) await rm(folder, { recursive: true });
  });
  afterAll(async () => {
    await engine.close();
    await server.close();
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  for (const withCrc32c of [true, false]) {
    transferContract(`the transfer engine ${withCrc32c ? 'by CRC-32C' : 'by SHA-256'}`, {
      withCrc32c,
      async createDisk() {
        const folder = await realpath(await mkdtemp(join(place, 'strata-transfer-')));
        folders.push(folder);
        return createNodeDisk(folder);
      },
      create({ objects, disk }) {
        server.serve(objects);
        const folder = folders.at(-1) ?? '';
        const mover = createEngineParts({
          engine,
          sourceOf: (_source, totalBytes) => ({
            identity: { totalBytes },
            sign: async () => ({ origin: server.origin, target: '/object', headers: {} }),
          }),
          pathOf: (path) => join(folder, path),
        });
        return createPartsTransfer({ mover, disk });
      },
    });
  }
});
