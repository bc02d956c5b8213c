import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { registerHosts } from '../../../cli/commands/hosts.ts';
import { recordedInputs } from '../../../lib/catalog/index.ts';
import { HostHeartbeat } from '../../../events/host-heartbeat/v1.ts';
import { findBottlenecks } from '../../../lib/hostMetrics/index.ts';
import { useCommands } from '../../support/commands.ts';
import { onTerminal } from '../../support/onTerminal.ts';

const { metrics } = HostHeartbeat.parse(JSON.parse(readFileSync('events/host-heartbeat/v1.metrics.json', 'utf8')));
const AT = 1_795_176_000_000;
const host = (id: string) => ({
  id,
  generation: 1,
  state: 'active',
  labels: {},
  subscriptions: ['*'],
  capacityBytes: 2e12,
  usedBytes: 1e12,
  reservedBytes: 0,
  promisedBytes: 0,
  volumeFreeBytes: 1e12,
  registeredAt: AT,
  heartbeatAt: AT,
});
const volume = (name: string, state: string) => ({
  name,
  tier: 'ssd',
  state,
  capacityBytes: 2e12,
  usedBytes: 1e12,
  reservedBytes: 0,
  freeBytes: 1e12,
});
const VOLUMES = [volume('first', 'active'), volume('second', 'failed')];
const busy = { ...metrics, cpu: { busy: 0.95, iowait: 0, stolen: 0, processors: 64 } };
const MEASURED = [
  { host: 'gpu-a', measuredAt: AT, receivedAt: AT, metrics, bottlenecks: [] },
  {
    host: 'gpu-b',
    measuredAt: AT,
    receivedAt: AT,
    metrics: busy,
    bottlenecks: findBottlenecks(HostHeartbeat.shape.metrics.parse(busy)!, { capacityBytes: 1, usedBytes: 1 }),
  },
];

const command = (actionId: string, type: string, decidedAt: number, end: object) => ({
  actionId,
  type,
  host: { id: 'gpu-c', generation: 1 },
  reason: 'operator',
  policy: 'operator',
  chosen: type,
  alternatives: [],
  ...recordedInputs({}),
  decidedAt,
  expiresAt: AT,
  correlationId: 'c',
  ...end,
});
/** A resize that failed, a report that was done after one that had failed, and a drain that nobody has taken yet. */
const COMMANDS = [
  command('drain-1', 'drain', AT, { state: 'pending' }),
  command('resize-1', 'resize', AT, {
    state: 'failed',
    outcome: { at: AT, code: 'leased', text: 'What is leased takes more than that.' },
  }),
  command('report-2', 'report', AT, { state: 'done', outcome: { at: AT, code: 'ok', text: 'as-measured' } }),
  command('report-1', 'report', AT - 1, { state: 'failed', outcome: { at: AT, code: 'disk-error', text: 'EIO' } }),
];

/** The operator pays $0.01 an hour for a gigabyte of NVMe: half of what the reference book says. */
const OWN_BOOK = JSON.stringify({
  ...JSON.parse(readFileSync('lib/pricing/books/reference.json', 'utf8')),
  id: 'own',
  tiers: {},
  hostTiers: { nvme: { source: 'reference', usdPerGbHour: 0.01 } },
});

let server: Server;
let plane: readonly string[];
/** Whether the plane is of a release that tells no commands of hosts. */
let isOlder = false;

/** A plane with two hosts that have told of a minute, and one that has not. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { hosts = [], host: asked } = JSON.parse(body) as { hosts?: string[]; host?: string };
      const commanded = request.url?.endsWith('listHostActions') === true;
      const items = commanded
        ? COMMANDS.filter((action) => action.host?.id === asked)
        : request.url?.endsWith('listHosts')
          ? [host('gpu-a'), host('gpu-b'), host('gpu-c'), { ...host('gpu-d'), volumes: VOLUMES }]
          : MEASURED.filter((one) => hosts.includes(one.host));
      const output = request.url?.endsWith('showPrices')
        ? { book: readFileSync('lib/pricing/books/aws-us-east-1.json', 'utf8'), own: OWN_BOOK, checkedAt: AT }
        : { items };
      const unknown = { code: 'unknown-operation', message: 'There is no such operation.', retryable: false };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(commanded && isOlder ? { ok: false, failure: unknown } : { ok: true, output }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});

afterAll(() => server.close());

describe('strata hosts', () => {
  const { records, strata, told } = useCommands(registerHosts);

  it('lists the room of all, and the minute of each with --metrics', async () => {
    expect(await strata('hosts', ...plane)).toMatch(/^gpu-c +active +1 +931\.32 GiB/m);
    const text = await strata('hosts', '--metrics', ...plane);
    expect(text).toMatch(
      /^HOST +MEASURED +CPU +DISK +GPU +ASKS +HIT RATE +NVME P95 +SSD P95 +ORIGIN P95 +FETCHED +A MONTH +SCORE/m,
    );
    expect(text).toMatch(
      /^gpu-a .* 41 % +71 % +93 % +43 +88 % +4\.2 ms +2\.2 ms +11\.3 s +1\.83 GiB\/s +\$14600\.00 +95 \(fetches 80\)$/m,
    );
    expect(text).toMatch(/^gpu-b .* cpu-busy$/m);
    expect(text).not.toContain('gpu-c');
  });

  it('fits a terminal, says what it leaves out, and is whole where it is piped', async () => {
    const whole = /^HOST .* RESERVED +CAPACITY +VOLUMES +HEARTBEAT +SUBSCRIPTIONS\n/;
    expect(await onTerminal(70, () => strata('hosts', ...plane))).toMatch(
      /^HOST +STATE +USED +CAPACITY +VOLUMES +HEARTBEAT\n/,
    );
    expect(told()).toBe(
      'Too wide for this terminal: GENERATION, RESERVED, SUBSCRIPTIONS. Piped, or with --json, it is whole.\n',
    );
    expect(await strata('hosts', ...plane)).toMatch(whole);
    // As the terminals of containers and of CI say.
    expect(await onTerminal(0, () => strata('hosts', ...plane))).toMatch(whole);
    expect(told()).toBe('');
  });

  it('names a failed volume first, so that it is read on a narrow terminal', async () => {
    expect(await onTerminal(60, () => strata('hosts', ...plane))).toMatch(/^gpu-d .* second \(s/m);
  });

  it('shows a host also where the plane is of a release that tells no commands of hosts, and says so', async () => {
    isOlder = true;
    onTestFinished(() => {
      isOlder = false;
    });
    expect(await strata('hosts', 'gpu-c', ...plane)).toMatch(/^gpu-c +active/m);
    expect(told()).toContain('This plane is of an older release: it cannot tell which commands');
    const [shown] = await records('hosts', 'gpu-c', ...plane);
    expect(shown).not.toHaveProperty('lastCommands');
  });

  it('shows of one host its tiers, loads, devices, and what to do about what holds it up', async () => {
    const text = await strata('hosts', 'gpu-b', ...plane);
    expect(text).toMatch(/^hit rate +88 %$/m);
    expect(text).toMatch(/^data +867\.84 MiB\/s, 7200\/s +1\.84 GiB\/s, 15200\/s +71 % +0\.4 ms +9\.4$/m);
    expect(text).toMatch(/^0 NVIDIA H100 80GB HBM3 +93 % +57\.00 GiB of 79\.65 GiB +61 °C +548 W$/m);
    expect(text).toMatch(/^nvme +41 +264\.50 GiB/m);
    expect(text).toMatch(/^\(all\) +origin +5 +7\.9 s +11\.3 s$/m);
    expect(text).toMatch(/^sdxl-base +nvme +21 +1\.8 ms +4\.0 ms$/m);
    expect(text).toMatch(/^\(others\) +origin +4/m);
    expect(text).toMatch(/^cpu-busy +95 % of 64 processors \(from 90 %\) +Take hosts with more processors/m);
  });

  it('says of one host what its tiers cost by the deciding book, and how well it did', async () => {
    const text = await strata('hosts', 'gpu-b', ...plane);
    expect(text).toMatch(
      /^nvme +931\.32 GiB +1\.82 TiB +\$7300\.00 +\$14600\.00 +\$20\.00 +own@\d{4}-\d\d-\d\d +\d+$/m,
    );
    expect(text).toMatch(/^processors +17 +1 +95 % busy, 0 % stolen$/m);
    expect(text).toMatch(/^nvme disk +100 +3 +data busy 71 %, 0\.4 ms a request$/m);
    expect(told()).toContain('Its 2 H100 cost $13.76 an hour.');
    expect(told()).toMatch(/^Score \d\d of 100; not measured: cache, nvme volumes\.$/m);
    expect(told()).toMatch(/^Lowest: processors 17: 95 % busy, 0 % stolen\. Take hosts with more processors/m);
  });

  it('says of one host which command it did not do last, and what to do', async () => {
    await strata('hosts', 'gpu-c', ...plane);
    expect(told().split('\n').slice(0, 3)).toEqual([
      '',
      'resize on gpu-c failed (leased): What is leased takes more than that.',
      '  End leases there, or unpin what need not stay (`strata host unpin gpu-c MODEL`), and send it again.',
    ]);
    expect(told()).not.toMatch(/report|drain/);
    await strata('hosts', 'gpu-a', ...plane);
    expect(told()).not.toContain('failed (');
    const [row] = await records('hosts', 'gpu-c', ...plane);
    expect(row?.['lastCommands']).toMatchObject([
      { actionId: 'drain-1', state: 'pending' },
      { actionId: 'resize-1', state: 'failed', hint: expect.stringContaining('End leases') },
      { actionId: 'report-2', state: 'done' },
    ]);
  });

  it('gives programs the rows as they are', async () => {
    expect(await records('hosts', 'gpu-a', ...plane)).toMatchObject([
      {
        schema: 'strata.host/v1',
        id: 'gpu-a',
        tierCosts: [{ tier: 'nvme', usedUsdPerMonth: 7300, capacityUsdPerHour: 20 }],
        gpus: { gpu: 'H100', count: 2 },
        score: { tiers: [{ tier: 'nvme', points: 100 }], missing: ['cache'] },
      },
    ]);
    const [unmeasured] = await records('hosts', 'gpu-c', ...plane);
    expect(unmeasured).toMatchObject({ tierCosts: [{ tier: 'nvme' }] });
    expect(unmeasured).not.toHaveProperty('score');
    expect(await records('hosts', '--metrics', ...plane)).toMatchObject([
      { schema: 'strata.host-metrics/v1', host: 'gpu-a', metrics },
      {
        schema: 'strata.host-metrics/v1',
        host: 'gpu-b',
        bottlenecks: [{ kind: 'cpu-busy' }],
        score: { lowest: { name: 'processors' } },
      },
    ]);
  });
});
