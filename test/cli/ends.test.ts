import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMMAND_MODULES } from '../../cli/commands.ts';
import { HostRow } from '../../lib/catalog/index.ts';
import { Bytes, DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { Generation, HostId } from '../../lib/shared/ids.ts';
import { safetensors } from '../support/ingestPlane.ts';
import type { EndOfCommand } from './oneByOne.ts';
import { type StartedPlane, startPlane } from './startPlane.ts';

let folder: StartedPlane['folder'];
let runtime: StartedPlane['runtime'];
let stop: StartedPlane['stop'];
/** Any object, for whoever asks; takes whatever it is sent. */
const store = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { etag: '"0"' }).end('bytes'));
});
let storeUrl = '';

beforeAll(async () => {
  ({ folder, runtime, stop } = await startPlane());
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
  storeUrl = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
});

afterAll(async () => {
  store.closeAllConnections();
  store.close();
  await stop();
});

async function addHost(): Promise<void> {
  const now = EpochMs.parse(Date.now());
  const none = Bytes.parse(0);
  await runtime.deps.catalog.transact([
    HostRow.put(
      {
        id: HostId.parse('gpu-a'),
        state: 'active',
        generation: Generation.parse(1),
        publicKey: '',
        protocol: 2,
        queue: 'host-gpu-a-1',
        labels: {},
        subscriptions: [],
        capacityBytes: Bytes.parse(1e9),
        usedBytes: none,
        reservedBytes: none,
        promisedBytes: none,
        volumeFreeBytes: none,
        measuredAt: now,
        registeredAt: now,
        heartbeatAt: now,
        heartbeatSequence: 1,
        dueAt: EpochMs.parse(now + DAY_MS),
      },
      'absent',
    ),
  ]);
}

function commands(): readonly (readonly string[])[] {
  const mine = join(folder.path, 'mine');
  mkdirSync(mine);
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(mine, name), content);
    return join(mine, name);
  };
  const model = file('tiny.safetensors', safetensors(500));
  const log = file('log.csv', 'time,object,bytes,op,region,host\n1704067200,a,6000000000,write,,\n');
  const trace = file('trace.csv', 'time,object,bytes\n1,a,10\n2,b,10\n3,a,10\n');
  const small = join(mine, 'small');
  const s3 = ['--endpoint-url', storeUrl, '--path-style', '--region', 'eu-west-1'];
  return [
    ['push', 'tiny@1.0.0', model, '--wait'],
    ['ls'],
    ['show', 'tiny'],
    ['explain', 'tiny'],
    ['service-level', 'set', 'tiny', '--reads-per-day', '1'],
    ['hosts'],
    ['host', 'report', 'gpu-a', '--no-wait'],
    ['restore', 'tiny@1.0.0'],
    ['quarantine', 'ls'],
    ['rescan'],
    ['audit', 'tiny@1.0.0'],
    ['dlq', 'list'],
    ['token', 'create', 'gpu-17'],
    ['doctor'],
    ['config', 'show'],
    ['completion', 'bash'],
    ['tune', '--store', mine],
    ['replay', '--log', log, '--policies', 'always-standard', '--no-optimum'],
    ['simulate', 'cache', '--trace', trace],
    ['prices', 'show'],
    ['tiers'],
    ['plan'],
    ['policy', 'show'],
    ['sweeps'],
    ['costs'],
    ['opportunities'],
    ['scan', model],
    ['fetch', `${storeUrl}/object`, join(mine, 'fetched')],
    ['upload', model, 's3://bucket/key', '--force', ...s3],
    ['compress', model, small],
    ['decompress', small, '-'],
    ['rm', 'tiny@1.0.0', '--yes'],
    ['deleted', 'tiny'],
    ['undo', 'tiny@1.0.0'],
    ['hold', 'set', 'tiny@1.0.0', '--reason', 'court'],
    ['retain', 'tiny@1.0.0', '--until', '2999-12-31'],
    ['alias', 'promote', 'tiny@1.0.0', 'stable'],
    ['deprecate', 'tiny@1.0.0'],
  ];
}

it('every command leaves nothing open that would keep its process from ending', async () => {
  await addHost();
  const lines = commands();
  expect(new Set(lines.map(([name]) => name))).toEqual(new Set(COMMAND_MODULES.flatMap(({ names }) => names)));
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = fork(join(import.meta.dirname, 'oneByOne.ts'), [JSON.stringify(lines)], {
    env: { PATH, NODE_COMPILE_CACHE, STRATA_DATA: folder.path, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' },
    execArgv: [],
    silent: true,
  });
  const ends: EndOfCommand[] = [];
  let told = '';
  child.on('message', (end: EndOfCommand) => ends.push(end));
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  expect(
    ends.filter(({ code, stays }) => code !== 0 || stays !== false),
    told,
  ).toEqual([]);
  expect(ends.map(({ args }) => args)).toEqual(lines);
});
