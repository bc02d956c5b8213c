import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { registerQuarantine } from '../../../cli/commands/quarantine.ts';
import { useCommands } from '../../support/commands.ts';

const KEY = 'uploads/a/1.0.0/b.pkl';
let server: Server;
let plane: readonly string[];
let asked: { versionId?: string }[] = [];
/** What it refuses: `versionId` a release that knows no version to release. */
let refused: string | undefined;

const UPLOAD = {
  key: KEY,
  versionId: 'v1',
  state: 'digesting',
  size: 9,
  etag: 'e',
  correlationId: 'c',
  observedAt: 1,
  movedAt: 1,
  hop: 0,
  findings: { status: 'suspicious', rules: 'rules-1', format: 'pickle', kind: 'checkpoints', reasons: [] },
};

/** A plane that releases whatever it is asked for. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const input = JSON.parse(body);
      asked.push(input);
      const message = `The input of releaseUpload is not what it takes: it has fields that nobody knows: ${refused}.`;
      const failure = { code: 'invalid-input', message, retryable: false };
      const isRefused = refused !== undefined && refused in input;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isRefused ? { ok: false, failure } : { ok: true, output: UPLOAD }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  refused = undefined;
});

const { strata, told } = useCommands(registerQuarantine);
const release = ['quarantine', 'release', KEY, '--reason', 'read', '--by', 'ada'];
const wish = { key: KEY, reason: 'read', by: 'ada' };

it('strata quarantine release releases what it has looked at, and nothing that came since', async () => {
  await strata(...release, ...plane);
  expect(asked).toEqual([
    { ...wish, dryRun: true },
    { ...wish, versionId: 'v1', rules: 'rules-1', dryRun: false },
  ]);
});

it('strata quarantine release --version-id looks for that version, confirmed or not', async () => {
  await strata(...release, ...plane, '--version-id', 'v1');
  await strata(...release, ...plane, '--version-id', 'v1', '--yes');
  expect(asked).toEqual([
    { ...wish, versionId: 'v1', dryRun: true },
    { ...wish, versionId: 'v1', rules: 'rules-1', dryRun: false },
    { ...wish, versionId: 'v1', dryRun: false },
  ]);
});

it('strata quarantine release binds no plane of an older release, says so, and releases nothing', async () => {
  refused = 'versionId';
  await expect(strata(...release, ...plane)).rejects.toMatchObject({ code: 'invalid-input' });
  expect(told()).toContain('A plane of an older release cannot be bound to one version');
});

it('strata quarantine release takes no plane for an older one that refuses something else', async () => {
  refused = 'reason';
  await expect(strata(...release, ...plane, '--version-id', 'v1')).rejects.toMatchObject({ code: 'invalid-input' });
  expect(told()).not.toContain('older release');
});

it('strata quarantine release asks who releases where the user has no name', async () => {
  vi.stubEnv('STRATA_OPERATOR', undefined);
  vi.spyOn(os, 'userInfo').mockImplementation(() => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  });
  syncBuiltinESMExports();
  try {
    const refusal = strata('quarantine', 'release', KEY, '--reason', 'read', ...plane);
    await expect(refusal).rejects.toMatchObject({ code: 'no-operator', message: expect.stringContaining('--by NAME') });
    expect(asked).toEqual([]);
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    syncBuiltinESMExports();
  }
});
