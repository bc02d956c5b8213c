import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { strataHere } from './strataHere.ts';
import { runStrata } from './strataProcess.ts';

/** A plane whose clock is an hour ahead; whatever else it is asked it does not know. */
const plane = createServer((request, answer) => {
  answer.sendDate = false;
  answer.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
  const asked = `${request.method} ${request.url}` === 'POST /v1/resolve';
  const problem = {
    status: 400,
    code: 'bad-request',
    title: 'The body is not what this route takes.',
    hint: 'Compare.',
  };
  if (asked) answer.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
  else answer.writeHead(404).end('<html>');
});
/** Says what a plane says, with more behind it than anybody wants to read. */
const talker = createServer((_, answer) => {
  const problem = { code: 'bad-request', title: 'Not so.', hint: 'x'.repeat(64 * 1024) };
  answer.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
});
const askedOf: string[] = [];
const stranger = createServer(({ method, url }, answer) => {
  askedOf.push(`${method} ${url}`);
  answer.writeHead(401).end('who are you?');
});
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-doctor-'));
  await chmod(folder, 0o755);
  for (const server of [plane, talker, stranger])
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  plane.close();
  talker.close();
  stranger.close();
  await rm(folder, { recursive: true });
});

interface Check {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly fix?: string;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function doctor(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  run: typeof runStrata = strataHere,
) {
  const { code, stdout } = await run(['doctor', '--json', ...args], { environment });
  const lines = stdout.trim().split('\n').filter(Boolean);
  const checks = lines.map((line) => JSON.parse(line) as Check);
  return { code, checks, byName: new Map(checks.map((check) => [check.check, check])) };
}

describe('strata doctor --store', () => {
  it('measures the real host, leaves nothing behind, and ends with 1 when a check fails', async () => {
    // As a process of its own, as people run it.
    const { code, byName } = await doctor(['--plane', urlOf(plane), '--store', folder], {}, runStrata);
    expect(code).toBe(1);
    expect(byName.get('folder')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('plane')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('object-store')).toMatchObject({ status: 'PASSED', detail: 'the plane hands out objects' });
    expect(byName.get('registration')).toMatchObject({ status: 'FAILED' });
    expect(byName.get('registration')?.fix).toContain('strata token create');
    expect(byName.get('clock')).toMatchObject({ status: 'FAILED', fix: 'timedatectl set-ntp true' });
    expect(byName.get('clock')?.detail).toMatch(/^3(599|600|601) s behind the plane$/);
    expect(byName.get('tuning')).toMatchObject({ status: 'PASSED' });
    expect(byName.get('fsync')?.detail).toMatch(/median [\d.]+ ms/);
    expect(byName.get('agent')).toMatchObject({ status: 'PASSED', detail: 'does not run' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes no other server for the plane, nor for the bucket', async () => {
    const { byName } = await doctor(['--plane', urlOf(stranger), '--objects', urlOf(plane), '--store', folder]);
    expect(byName.get('plane')).toMatchObject({
      status: 'FAILED',
      detail: 'answers 401, and not as a Strata plane does',
      fix: expect.stringContaining('credentials'),
    });
    expect(byName.get('object-store')).toMatchObject({ detail: 'answers 404: there is no such bucket' });
  });

  it('looks for the bucket where the SDK of the agent does', async () => {
    const args = ['--plane', urlOf(plane), '--store', folder];
    const asked = askedOf.length;
    const named = { STRATA_RUNTIME: 'aws', STRATA_BUCKET: 'models', STRATA_REGION: 'eu-west-1' };
    for (const variable of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) {
      const { byName } = await doctor(args, { ...named, [variable]: urlOf(stranger) });
      expect(byName.get('object-store')?.detail).toMatch(/^answers 401/);
    }
    expect(askedOf.slice(asked)).toEqual(['HEAD /models/', 'HEAD /models/']);
  });

  it('reads no more of an answer than a plane has to say', async () => {
    const { byName } = await doctor(['--plane', urlOf(talker), '--store', folder]);
    const detail = 'answers 400, and not as a Strata plane does';
    expect(byName.get('plane')).toMatchObject({ status: 'FAILED', detail });
  });

  it.each<Readonly<Record<string, string>>>([{}, { STRATA_BUCKET: 'models' }, { STRATA_REGION: 'eu-west-1' }])(
    'takes no host on AWS that is told %o for one that knows its bucket',
    async (told) => {
      const environment = { STRATA_RUNTIME: 'aws', ...told };
      const { byName } = await doctor(['--plane', urlOf(plane), '--store', folder], environment);
      const fix = 'Set STRATA_BUCKET and STRATA_REGION.';
      expect(byName.get('object-store')).toMatchObject({ status: 'FAILED', fix });
    },
  );

  it('says what is wrong with a join token, and needs none of a host that is registered', async () => {
    const args = ['--plane', urlOf(plane), '--store', folder];
    const checkOf = async (environment: Readonly<Record<string, string>>) =>
      (await doctor(args, environment)).byName.get('registration');
    const token = join(folder, 'join-token');
    await writeFile(token, 'strata-join-0123\n');
    const malformed = { status: 'FAILED', detail: 'what is given as join token is none' };
    expect(await checkOf({ STRATA_JOIN_TOKEN_FILE: token })).toMatchObject(malformed);
    await writeFile(token, `strata-join-${'0'.repeat(64)}\n`);
    expect(await checkOf({ STRATA_JOIN_TOKEN_FILE: token })).toMatchObject({ status: 'PASSED' });
    expect(await checkOf({ STRATA_RUNTIME: 'aws' })).toMatchObject({ status: 'PASSED' });
    await mkdir(join(folder, 'state'));
    const kept = { schema: 'agent-session/1', current: { session: { host: 'gpu-17' } } };
    await writeFile(join(folder, 'state', 'session.json'), JSON.stringify(kept));
    expect(await checkOf({})).toMatchObject({ status: 'PASSED', detail: 'registered as gpu-17' });
  });

  it('tells of a folder that is not there', async () => {
    const { code, checks } = await doctor(['--plane', urlOf(plane), '--store', join(folder, 'missing')]);
    expect(code).toBe(1);
    const failures = checks.filter(({ status }) => status === 'FAILED').map(({ check }) => check);
    expect(failures).toEqual(expect.arrayContaining(['folder', 'file-system', 'space', 'direct-io', 'fsync']));
  });
});
