import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorCheck } from '../../../lib/operations/index.ts';
import { answerMetrics, type Family } from '../../../lib/shared/metricsText.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import type { InvocationOutcome } from '../../../runtime/invoker.ts';
import { createMetricTally } from '../../../runtime/metrics/metricTally.ts';
import { meteredInvoker } from '../../../runtime/metrics/meteredInvoker.ts';
import { planeFamilies, processFamilies } from '../../../runtime/metrics/planeFamilies.ts';
import { createWatchEndpoint } from '../../../runtime/watchEndpoint.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';

const NOTHING = { counted: () => [], standing: async () => [] };

/** The samples of a scrape, by name and labels. */
function scraped(families: readonly Family[]): Readonly<Record<string, number>> {
  const lines = answerMetrics(families).text.split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => /^(.*) (\S+)$/.exec(line)?.slice(1) ?? []).map(([a = '', b]) => [a, Number(b)]),
  );
}

describe('what functions measure', () => {
  it('is summed by dimensions, with how many they were where it is a time or a share; and goes on to the log', () => {
    const recorded = recordedTelemetry();
    const { telemetry, families } = createMetricTally(recorded.telemetry);
    telemetry.metric('Verdicts', 'Count', 1, { status: 'clean' });
    telemetry.with({ host: 'a' }).with({ model: 'b' }).metric('Verdicts', 'Count', 2, { status: 'clean' });
    telemetry.metric('Verdicts', 'Count', 1, { status: 'malicious' });
    telemetry.metric('HostServedBytes', 'Bytes', 10, { sourceTier: 'nvme' });
    telemetry.metric('PriceAge', 'Milliseconds', 5_000);
    telemetry.metric('PriceAge', 'Milliseconds', 2_500);
    // Of two hosts.
    telemetry.metric('HostCpuBusy', 'Percent', 5);
    telemetry.metric('HostCpuBusy', 'Percent', 95);
    expect(scraped(families())).toEqual({
      'strata_plane_verdicts_total{status="clean"}': 3,
      'strata_plane_verdicts_total{status="malicious"}': 1,
      'strata_plane_host_served_bytes_total{source_tier="nvme"}': 10,
      strata_plane_price_age_seconds_sum: 7.5,
      strata_plane_price_age_seconds_count: 2,
      strata_plane_host_cpu_busy_ratio_sum: 1,
      strata_plane_host_cpu_busy_ratio_count: 2,
      strata_plane_points_dropped_total: 0,
    });
    expect(recorded.metrics).toHaveLength(8);
  });

  it('is told as zero before the first time, where that is asked for', () => {
    const dimensions = { function: 'relay', kind: 'final' };
    const { telemetry, families } = createMetricTally(silentTelemetry, [{ name: 'Failures', dimensions }]);
    const name = 'strata_plane_failures_total{function="relay",kind="final"}';
    expect(scraped(families())).toMatchObject({ [name]: 0 });
    telemetry.metric('Failures', 'Count', 1, dimensions);
    expect(scraped(families())).toMatchObject({ [name]: 1 });
  });

  it('takes no more memory than some thousand series, whatever the dimensions', () => {
    const { telemetry, families } = createMetricTally(silentTelemetry);
    for (let index = 0; index < 3_000; index += 1) telemetry.metric('Wrong', 'Count', 1, { id: `${index}` });
    const samples = scraped(families());
    expect(samples['strata_plane_points_dropped_total']).toBe(1_000);
    expect(Object.keys(samples)).toHaveLength(2_001);
    telemetry.metric('Wrong', 'Count', 1, { id: '0' });
    expect(scraped(families())['strata_plane_wrong_total{id="0"}']).toBe(2);
  });
});

it('calls of functions are counted by how they ended, timed, and seen while they run', async () => {
  let now = 0;
  const ends: ((outcome: InvocationOutcome) => void)[] = [];
  const invoker = meteredInvoker(
    { invoke: () => new Promise((resolve) => ends.push(resolve)) },
    ['relay', 'reap'],
    () => now,
  );
  const calls = [invoker.invoke('relay', {}), invoker.invoke('relay', {}), invoker.invoke('relay', {})];
  now = 15;
  ends[0]?.({ outcome: 'answered', answer: undefined });
  await calls[0];
  now = 30_000;
  ends[1]?.({ outcome: 'timed-out' });
  await calls[1];
  const running = scraped(invoker.families());
  expect(running).toMatchObject({
    'strata_plane_invocations_total{function="relay",outcome="answered"}': 1,
    'strata_plane_invocations_total{function="relay",outcome="timed-out"}': 1,
    'strata_plane_invocations_total{function="relay",outcome="failed"}': 0,
    'strata_plane_invocations_total{function="reap",outcome="failed"}': 0,
    'strata_plane_invocations_running{function="relay"}': 1,
    'strata_plane_invocation_seconds_bucket{function="relay",le="0.005"}': 0,
    'strata_plane_invocation_seconds_bucket{function="relay",le="0.02"}': 1,
    'strata_plane_invocation_seconds_bucket{function="relay",le="10.0"}': 1,
    'strata_plane_invocation_seconds_bucket{function="relay",le="60.0"}': 2,
    'strata_plane_invocation_seconds_bucket{function="relay",le="+Inf"}': 2,
    'strata_plane_invocation_seconds_sum{function="relay"}': 30.015,
    'strata_plane_invocation_seconds_count{function="relay"}': 2,
  });
});

it('queues are told one by one, those of hosts together, dead letters apart', () => {
  const now = EpochMs.parse(1_000_000);
  const queue = (name: string, visible: number, sentAt?: number) => ({
    queue: name,
    deadLetterOf: [],
    visible,
    inFlight: 1,
    delayed: 0,
    ...(sentAt === undefined ? {} : { oldest: { sentAt: EpochMs.parse(sentAt), deliveries: 1 } }),
  });
  const samples = scraped([
    ...planeFamilies({
      now,
      queues: [
        queue('ingest', 3, 400_000),
        queue('host-a-1', 2, 900_000),
        queue('host-b-1', 5, 880_000),
        queue('ingest-dlq', 7, 1),
      ],
      workQueues: new Set(['ingest']),
      deadLetterQueues: new Set(['ingest-dlq']),
      fired: new Map([
        ['reap', EpochMs.parse(960_000)],
        ['never', undefined],
      ]),
      room: { totalBytes: 100, freeBytes: 40 },
    }),
    ...processFamilies({ startedAt: EpochMs.parse(1_000), cpuSeconds: 2.5, residentBytes: 9 }),
  ]);
  expect(samples).toEqual({
    'strata_plane_queue_messages{queue="ingest",state="waiting"}': 3,
    'strata_plane_queue_messages{queue="ingest",state="in-hand"}': 1,
    'strata_plane_queue_messages{queue="ingest",state="delayed"}': 0,
    'strata_plane_queue_messages{queue="hosts",state="waiting"}': 7,
    'strata_plane_queue_messages{queue="hosts",state="in-hand"}': 2,
    'strata_plane_queue_messages{queue="hosts",state="delayed"}': 0,
    'strata_plane_queue_oldest_seconds{queue="ingest"}': 600,
    'strata_plane_queue_oldest_seconds{queue="hosts"}': 120,
    'strata_plane_dead_letters{queue="ingest-dlq"}': 8,
    'strata_plane_schedule_fired_timestamp_seconds{schedule="reap"}': 960,
    strata_plane_disk_bytes: 100,
    strata_plane_disk_free_bytes: 40,
    process_cpu_seconds_total: 2.5,
    process_resident_memory_bytes: 9,
    process_start_time_seconds: 1,
  });
});

it('the checks of the doctor are told by name', async () => {
  const doctor = async () => [
    { check: 'hosts', status: 'FAILED', detail: 'silent: host-a' } as const,
    { check: 'room', status: 'PASSED', detail: '' } as const,
  ];
  const app = createWatchEndpoint({ clock: createManualClock(), ...NOTHING, doctor });
  expect(await (await app.request('/metrics')).text()).toBe(
    [
      '# HELP strata_plane_check_failed The checks of `strata doctor`.',
      '# TYPE strata_plane_check_failed gauge',
      'strata_plane_check_failed{check="hosts"} 1',
      'strata_plane_check_failed{check="room"} 0',
      '',
    ].join('\n'),
  );
});

describe('the health of a plane', () => {
  const PASSED: DoctorCheck = { check: 'hosts', status: 'PASSED', detail: '2 hosts' };
  const failed = (check: string): DoctorCheck => ({ check, status: 'FAILED', detail: 'secret-model@1.0.0' });

  it.each([
    { checks: [PASSED], code: 200, body: { status: 'ok', failed: [] } },
    { checks: [PASSED, failed('purges')], code: 200, body: { status: 'degraded', failed: ['purges'] } },
    { checks: [PASSED, failed('room')], code: 200, body: { status: 'degraded', failed: ['room'] } },
    {
      checks: [failed('bucket'), failed('purges')],
      code: 503,
      body: { status: 'failing', failed: ['bucket', 'purges'] },
    },
  ])('is $body.status after $body.failed, and names nothing else', async ({ checks, code, body }) => {
    const doctor = async () => checks;
    const app = createWatchEndpoint({ clock: createManualClock(), ...NOTHING, doctor });
    const answer = await app.request('/health');
    const text = await answer.text();
    expect(answer.status).toBe(code);
    expect(JSON.parse(text)).toMatchObject({ schema: 'plane-health/1', ...body });
    expect(text).not.toContain('secret-model');
  });

  it('is looked at no more than every 15 seconds, however many ask', async () => {
    const clock = createManualClock();
    let [looks, counted] = [0, 0];
    const standing = async () => {
      counted += 1;
      return [];
    };
    const doctor = async () => {
      looks += 1;
      return [PASSED];
    };
    const app = createWatchEndpoint({ clock, ...NOTHING, standing, doctor });
    const both = ['/health', '/metrics'];
    await Promise.all(Array.from({ length: 20 }, async (_, at) => app.request(both[at % 2] ?? '')));
    expect([looks, counted]).toEqual([1, 1]);
    await clock.advance(15_000);
    await app.request('/health');
    expect([looks, counted]).toEqual([2, 2]);
  });
});

it('the alerts that are given as an example ask for what is told', () => {
  const root = join(import.meta.dirname, '../../..');
  const folders = ['runtime', 'runtime/metrics', 'agent/metrics'].map((folder) => join(root, folder));
  const sources = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  );
  const { telemetry, families } = createMetricTally(silentTelemetry);
  // Of every function, by `reportFailure`.
  telemetry.metric('Failures', 'Count', 1, { function: 'relay', kind: 'final' });
  const told = new Set([
    ...sources
      .join('')
      .matchAll(/strata_[a-z_]+/g)
      .map(([name]) => name),
    ...families().map(({ name }) => name),
  ]);
  const rules = readFileSync(join(root, 'docs/examples/prometheus-rules.yml'), 'utf8');
  const asked = [...rules.matchAll(/strata_[a-z_]+/g)].map(([name]) => name.replace(/_total$/, ''));
  expect(asked.length).toBeGreaterThan(4);
  expect(asked.filter((name) => !told.has(name))).toEqual([]);
});
