import { statSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderTakenError, takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { PortTakenError } from '../../runtime/endpoint.ts';
import { silentTelemetry } from '../support/silentTelemetry.ts';

describe('the endpoint of the embedded runtime', () => {
  const folder = takeDataFolder(undefined);
  let runtime: EmbeddedRuntime;
  beforeAll(async () => {
    runtime = await startEmbeddedRuntime({ folder, port: 0, telemetry: silentTelemetry });
  });
  afterAll(async () => {
    await runtime.stop();
    folder.release();
  });

  interface Init {
    readonly method: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }
  const operator = (path: string, init: Init, token = runtime.operatorToken) =>
    fetch(`${runtime.url}/operator${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
    });

  /** `fetch` sets the Host header itself. */
  function statusWithHost(host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const call = request(`${runtime.url}/v1/hosts/join`, { method: 'POST', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject);
      call.end('{}');
    });
  }

  it('answers only to its own name: a page that resolves its name to loopback is refused', async () => {
    const own = new URL(runtime.url).host;
    expect(await statusWithHost(own)).toBe(400);
    expect(await statusWithHost('evil.example')).toBe(421);
    expect(await statusWithHost(`evil.example:${new URL(runtime.url).port}`)).toBe(421);
  });

  it('takes an upload with its metadata from an operator, byte for byte', async () => {
    const key = 'uploads/m/1.0.0/a%20b.txt';
    const init = { method: 'PUT', body: 'content', headers: { 'x-strata-meta-note': 'kept' } };
    expect((await operator(`/objects/${key}`, init)).status).toBe(200);
    const head = await runtime.objects.head('uploads/m/1.0.0/a b.txt');
    expect(head).toMatchObject({ outcome: 'found', head: { size: 7, metadata: { note: 'kept' } } });
    expect((await operator(`/objects/${key}`, { method: 'DELETE' })).status).toBe(200);
    expect(await runtime.objects.head('uploads/m/1.0.0/a b.txt')).toEqual({ outcome: 'absent' });
  });

  it('lets nobody without the token in, and writes nowhere but under uploads/', async () => {
    for (const token of ['', 'wrong', `${runtime.operatorToken}x`]) {
      expect((await operator('/objects/uploads/a', { method: 'PUT', body: 'x' }, token)).status).toBe(401);
      expect((await operator('/operations/listModels', { method: 'POST', body: '{}' }, token)).status).toBe(401);
    }
    for (const key of ['blobs/a', 'uploads/../blobs/a', '../uploads/a']) {
      expect((await operator(`/objects/${key}`, { method: 'PUT', body: 'x' })).status).toBe(404);
    }
  });

  it.each(['obj%65cts/uploads/x/objects/blobs/a', 'obj%65cts/uploads/a'])(
    'neither writes nor deletes outside of uploads/ by a path that is written otherwise: %s',
    async (path) => {
      const listed = () => runtime.objects.listVersions({ prefix: '', limit: 1000 });
      const before = await listed();
      for (const init of [{ method: 'PUT', body: 'x' }, { method: 'DELETE' }]) {
        expect((await operator(`/${path}`, init)).status).toBe(400);
      }
      expect(await listed()).toEqual(before);
    },
  );

  it('runs operations by name and answers their failures by code', async () => {
    const run = async (name: string, input: unknown): Promise<unknown> =>
      (await operator(`/operations/${name}`, { method: 'POST', body: JSON.stringify(input) })).json();
    expect(await run('listModels', { limit: 10 })).toEqual({ ok: true, output: { items: [] } });
    expect(await run('listModels', {})).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
    expect(await run('dropEverything', {})).toMatchObject({ ok: false, failure: { code: 'unknown-operation' } });
    const letters = await run('listDeadLetters', {});
    expect(letters).toMatchObject({ ok: true });
    expect(JSON.stringify(letters)).toContain('{"queue":"ingest-dlq","sources":["ingest"],"messages":0}');
  });

  it('has a host that may not be admitted refused by the function behind the route', async () => {
    const response = await fetch(`${runtime.url}/v1/hosts`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
  });

  it('keeps its secrets in files for their owner alone', () => {
    for (const name of ['operator.json', 'keys/commands.json', 'keys/host-tokens']) {
      expect(statSync(folder.at(name)).mode & 0o777).toBe(0o600);
    }
  });

  it('says so when its port or its folder is taken', async () => {
    const other = takeDataFolder(undefined);
    const port = Number(new URL(runtime.url).port);
    await expect(startEmbeddedRuntime({ folder: other, port, telemetry: silentTelemetry })).rejects.toThrow(
      PortTakenError,
    );
    other.release();
    const { pid } = process;
    Object.defineProperty(process, 'pid', { value: pid + 1, configurable: true });
    try {
      expect(() => takeDataFolder(folder.path)).toThrow(FolderTakenError);
    } finally {
      Object.defineProperty(process, 'pid', { value: pid, configurable: true });
    }
  });
});
