import { expect, it } from 'vitest';
import { createAskMeter } from '../../../agent/metrics/askMeter.ts';
import { createMeters } from '../../../agent/metrics/meters.ts';
import { modelRows, summarize } from '../../../agent/metrics/summary.ts';
import { formatMetrics } from '../../../lib/shared/metricsText.ts';
import { HostMetrics } from '../../../events/host-heartbeat/metrics.ts';
import { ModelName, VolumeName } from '../../../lib/shared/ids.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';

const BOTH = new Set(['nvme', 'ssd'] as const);

it('a host that is asked for ever new models tells of those that took longest, and of the others together', () => {
  const meters = createMeters(createManualClock());
  for (let model = 0; model < 1000; model += 1) {
    meters.loaded(ModelName.parse(`model-${model}`), 'origin', model < 200 ? 1000 + model : 5);
  }
  const rows = modelRows(meters.recent());
  expect(rows.map(({ model }) => model)).toEqual([
    ...[199, 198, 197, 196, 195, 194].map((model) => `model-${model}`),
    undefined,
  ]);
  // Beyond 256 names only the sums count.
  expect(rows.at(-1)?.ms.count).toBe(250);
  expect(meters.recent().loads.origin.count).toBe(1000);
});

it('the largest minute is within the contract and ten kilobytes', () => {
  const meters = createMeters(createManualClock());
  const name = (index: number) => ModelName.parse(`${String(index).padStart(3, '0')}${'m'.repeat(60)}`);
  for (let model = 0; model < 300; model += 1) {
    for (const source of ['nvme', 'ssd', 'origin'] as const) meters.loaded(name(model), source, 1234.5678 * model);
  }
  for (let code = 0; code < 40; code += 1)
    meters.fetchFailed(`code-${'a'.repeat(20)}${String.fromCodePoint(97 + (code % 26))}`);
  const share = 0.123_456_789;
  const disks = Array.from({ length: 32 }, (_, index) => ({
    volume: VolumeName.parse(`volume-${index}`),
    readBytesPerSecond: 1e9 / 3,
    writtenBytesPerSecond: 1e9 / 7,
    readsPerSecond: 1e4 / 3,
    writesPerSecond: 1e4 / 7,
    busy: share,
    awaitMs: share,
    queued: share,
  }));
  const gpus = Array.from({ length: 16 }, (_, index) => ({
    index,
    name: 'N'.repeat(64),
    busy: share,
    memoryUsedBytes: Bytes.parse(2 ** 37),
    memoryTotalBytes: Bytes.parse(2 ** 37),
    celsius: 61,
    watts: 548.2,
  }));
  const minute = { seconds: 63.217, tally: meters.recent() };
  const summary = summarize(minute, { disks, gpus }, { tiers: BOTH, bytesPerSecondLimit: 1e9 });
  expect(summary?.models).toHaveLength(21);
  expect(HostMetrics.safeParse(summary).success).toBe(true);
  expect(JSON.stringify(summary).length).toBeLessThan(16_000);
});

it('a minute that is not as the contract says is not told', () => {
  const tally = createMeters(createManualClock()).recent();
  const wrong = { cpu: { busy: 1.5, iowait: 0, stolen: 0, processors: 1 } };
  expect(summarize({ seconds: 60, tally }, wrong, { tiers: BOTH })).toBeUndefined();
  expect(summarize({ seconds: 60, tally }, {}, { tiers: BOTH })).toBeDefined();
});

it('a duration in which the clock jumped counts ten seconds at most', async () => {
  const clock = createManualClock();
  const meters = createMeters(clock);
  const before = meters.time.elapsed();
  await clock.advance(86_400_000);
  expect(meters.time.elapsed() - before).toBe(10_000);
});

it('names and helps are written so that no line and no label ends early', () => {
  const families = [
    { name: 'a', type: 'gauge', help: 'one\n"two" \\', points: [{ labels: { model: 'x"}\n1\r\\' }, value: 1 }] },
    { name: 'none', type: 'counter', help: '', points: [] },
  ] as const;
  const rest = '# TYPE a gauge\na{model="x\\"}\\n1\\\\"} 1\n';
  expect(formatMetrics(families, 'prometheus')).toBe(`# HELP a one\\n"two" \\\\\n${rest}`);
  expect(formatMetrics(families, 'openmetrics')).toBe(`# HELP a one\\n\\"two\\" \\\\\n${rest}# EOF\n`);
});

it('an ask of whoever never came back is not the beginning of another one hours later', async () => {
  const clock = createManualClock();
  const meters = createMeters(clock);
  const asks = createAskMeter(meters);
  const wait = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 5) {
      await clock.advance(5000);
      meters.turn();
    }
  };
  for (let poll = 0; poll < 3; poll += 1) {
    asks.putOff('m@1', asks.now(), 'fetching');
    await wait(200);
  }
  expect(asks.answered('m@1', asks.now(), 'at-once')).toBe('miss');
  expect(meters.totals.ensureMs.sum).toBe(600_000);
  asks.putOff('m@1', asks.now(), 'fetching');
  await wait(3600);
  expect(asks.answered('m@1', asks.now(), 'at-once')).toBe('hit');
  expect(meters.totals.ensureMs.sum).toBe(600_000);
});
