import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';
import { silentTelemetry } from '../support/silentTelemetry.ts';

describe('what watches the embedded plane', () => {
  const folder = takeDataFolder(undefined);
  let runtime: EmbeddedRuntime;
  beforeAll(async () => {
    runtime = await startEmbeddedRuntime({ folder, port: 0, telemetry: silentTelemetry });
    await runtime.queues.send('ingest-dlq', [{ body: '{}' }]);
  });
  afterAll(async () => {
    await runtime.stop();
    folder.release();
  });

  const metrics = async (accept = '') => (await fetch(`${runtime.url}/metrics`, { headers: { accept } })).text();

  it('reads without a token what its functions did, and no name of a model', async () => {
    await runtime.objects.write('uploads/secret-model/1.0.0/notes.txt', Buffer.from('hello'), {});
    await expect.poll(() => metrics()).toMatch(/^strata_plane_versions_published_total 1$/m);
    const text = await metrics('application/openmetrics-text; version=1.0.0');
    expect(text).toMatch(/^strata_plane_invocations_total\{function="ingest",outcome="answered"\} [1-9]/m);
    expect(text).toMatch(/^strata_plane_queue_messages\{queue="ingest",state="waiting"\} 0$/m);
    expect(text).toMatch(/^strata_plane_disk_free_bytes [1-9]\d+$/m);
    expect(text).toMatch(/# EOF\n$/);
    expect(text).not.toContain('secret-model');
  });

  it('reads what the process has taken up to that moment, however often it looks', async () => {
    const taken = async () => Number(/^process_cpu_seconds_total (.*)$/m.exec(await metrics())?.[1]);
    const before = await taken();
    expect(await taken()).toBeGreaterThan(before);
  });

  it('is told that it is degraded while a message has failed for good', async () => {
    const text = await metrics();
    expect(text).toMatch(/^strata_plane_dead_letters\{queue="ingest-dlq"\} 1$/m);
    expect(text).toMatch(/^strata_plane_check_failed\{check="dead-letters"\} 1$/m);
    const health = await fetch(`${runtime.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({
      schema: 'plane-health/1',
      status: 'degraded',
      failed: ['dead-letters'],
      hint: 'Run `strata doctor` for what to do.',
    });
  });
});
