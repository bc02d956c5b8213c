import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { createFileCommandKeys } from '../../lib/adapters/embedded/fileCommandKeys.ts';
import { createFileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { type Blob, BlobRow, ReplicaRow } from '../../lib/catalog/index.ts';
import { createOperations } from '../../lib/operations/index.ts';
import { RULE_SET } from '../../lib/scanning/index.ts';
import { Digest, originLocation } from '../../lib/shared/ids.ts';
import type { Change } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, DurationMs, EpochMs, GB } from '../../lib/shared/units.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { createOperatorEndpoint } from '../../runtime/operatorEndpoint.ts';

// The operator's side of an embedded plane over a catalog on disk: nothing carries out what it sets going. Prints its endpoint.

const [folder = '', count = '0'] = process.argv.slice(2);
const clock = systemClock;
const catalog = createSqliteCatalogStore(openDatabase(`${folder}/catalog.db`));
const objects = await createFileObjectStore({
  disk: await createNodeDisk(`${folder}/bucket`),
  database: openDatabase(`${folder}/objects.db`),
  bucket: 'models',
  region: 'local',
  clock,
  random: nodeRandom,
  hashPartsOf: 1,
});

/** 2 GB of 400 days that nobody reads, in STANDARD. */
function rowsOf(at: number): readonly Change[] {
  const digest = Digest.parse(createHash('sha256').update(`${at}`).digest('hex'));
  const since = EpochMs.parse(clock.now() - 400 * DAY_MS);
  const [location, size] = [originLocation('local', 'STANDARD'), Bytes.parse(2 * GB)];
  const blob: Blob = {
    digest,
    size,
    partSize: size,
    findings: { status: 'clean', rules: RULE_SET, format: 'safetensors', kind: 'checkpoints', reasons: [] },
    createdAt: since,
    origin: { location, storageClass: 'STANDARD', versionId: 'v', billedSince: since },
    tier: 'hot',
  };
  const copy = { digest, location, state: 'verified', bytes: size, versionId: 'v', pinned: false } as const;
  return [BlobRow.put(blob, 'absent'), ReplicaRow.put({ ...copy, checkedAt: since }, 'absent')];
}

const CHANGES_AT_ONCE = 100;
const changes = Array.from({ length: Number(count) }, (_, at) => rowsOf(at)).flat();
while (changes.length > 0) await catalog.transact(changes.splice(0, CHANGES_AT_ONCE));
const operations = createOperations({
  catalog,
  clock,
  random: nodeRandom,
  telemetry: createPinoTelemetry(createPinoLogger({ level: 'fatal' })),
  objects,
  commandKeys: createFileCommandKeys({ path: `${folder}/keys.json`, clock, random: nodeRandom }),
  seals: undefined,
  deadLetters: { list: async () => [], look: async () => [], redrive: async () => 0 },
  workQueues: async () => [],
  settings: { priceRegion: 'us-east-1', commandTtlMs: DurationMs.parse(1) },
  configured: { ...TIER_SETTINGS, tierSweep: 'on', tierPolicy: 'rules' },
});
const app = new Hono().route('/operator', createOperatorEndpoint({ token: 'bench', objects, operations }));
const server = createAdaptorServer({ fetch: app.fetch });
server.listen(0, '127.0.0.1', () => {
  const address: AddressInfo | string | null = server.address();
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`);
});
