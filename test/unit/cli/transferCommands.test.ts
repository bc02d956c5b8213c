import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerFetch } from '../../../cli/commands/fetch.ts';
import { registerUpload } from '../../../cli/commands/upload.ts';
import { useCommands } from '../../support/commands.ts';

const { at, file, strata } = useCommands(registerFetch, registerUpload);

let server: Server;
let asked: string[];
let signed: (string | undefined)[];
let url = '';
let status = 200;

beforeEach(async () => {
  asked = [];
  signed = [];
  status = 200;
  server = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    signed.push(request.headers.authorization);
    answer.writeHead(status).end('bytes');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await mkdir(at('folder'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

describe('strata fetch', () => {
  it.each([
    ['/models/a%20b.bin?signature=x/y', 'a b.bin'],
    ['/c.bin', 'c.bin'],
  ])('writes %s into a folder under the name of the object', async (path, name) => {
    expect(await strata('fetch', `${url}${path}`, at('folder'), '-q')).toBe(`${at('folder')}/${name}\n`);
    expect(await readFile(at(`folder/${name}`), 'utf8')).toBe('bytes');
  });

  it.each(['/', '/models/', '/a%2Fb', '/%2e%2e', '/%ff'])('asks for a name where %s has none', async (path) => {
    await expect(strata('fetch', `${url}${path}`, at('folder'), '--force')).rejects.toMatchObject({
      code: 'bad-path',
      message: expect.stringContaining(`write ${at('folder/NAME')}.`),
    });
  });

  it('names what it could not fetch, without what signs it', async () => {
    status = 404;
    const asked = strata('fetch', `${url}/c.bin?signature=secret`, at('c.bin'));
    await expect(asked).rejects.toMatchObject({ code: 'absent', message: `${url}/c.bin: HTTP 404.` });
    const refused = 'http://127.0.0.1:9/c.bin';
    await expect(strata('fetch', refused, at('c.bin'))).rejects.toMatchObject({
      code: 'unavailable',
      message: `${refused}: connect ECONNREFUSED 127.0.0.1:9. Run the same command again: it goes on where it stopped.`,
    });
  });

  it('says which folder is not there', async () => {
    const folder = `${at('none')}/`;
    await expect(strata('fetch', `${url}/c.bin`, folder)).rejects.toThrow(`There is no folder ${folder}`);
  });
});

it.each([
  ['s3://bucket/models/', 'models/mine.bin'],
  ['s3://bucket/', 'mine.bin'],
  ['s3://bucket/other.bin', 'other.bin'],
])('strata upload to %s asks for %s', async (to, key) => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']) vi.stubEnv(name, 'us-east-1');
  status = 403;
  await expect(strata('upload', await file('mine.bin', 'x'), to, '--endpoint-url', url)).rejects.toThrow();
  expect(asked[0]).toContain(` /bucket/${key}`);
});

it.each([
  [{}, [], 'us-east-1'],
  [{ AWS_REGION: 'eu-west-1' }, [], 'eu-west-1'],
  [{ AWS_REGION: 'eu-west-1' }, ['--region', 'garage'], 'garage'],
])('asks a store without regions, as MinIO, by one that was named (%j %j) or by any', async (named, flags, region) => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'minioadmin');
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, at('none'));
  for (const [name, value] of Object.entries({ AWS_REGION: undefined, ...named })) vi.stubEnv(name, value);
  status = 403;
  const place = ['--endpoint-url', url, ...flags];
  await expect(strata('fetch', 's3://bucket/key', at('here'), ...place)).rejects.toThrow();
  await expect(strata('upload', await file('mine.bin', 'x'), 's3://bucket/', ...place)).rejects.toThrow();
  expect(signed).toEqual([expect.stringContaining(`/${region}/s3/`), expect.stringContaining(`/${region}/s3/`)]);
});

it.each(['https://s3.eu-west-1.amazonaws.com', 'https://bucket.vpce-1a2b-3c4d.s3.eu-west-1.vpce.amazonaws.com:443/'])(
  'asks for the region of %s, which takes no other one',
  async (endpoint) => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'anybody');
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, at('none'));
    vi.stubEnv('AWS_REGION', undefined);
    const place = ['--endpoint-url', endpoint];
    const missing = 'Set AWS_REGION';
    await expect(strata('fetch', 's3://bucket/key', at('here'), ...place)).rejects.toThrow(missing);
    await expect(strata('upload', await file('mine.bin', 'x'), 's3://bucket/', ...place)).rejects.toThrow(missing);
  },
);
