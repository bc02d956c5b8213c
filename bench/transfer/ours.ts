import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { download } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';

/*
 * Our engine as the agent runs it: a process that is there already fetches one object, CRC-32C checked, bytes synced. Prints
 * what the fetch alone took, of all its threads. `node ours.ts URL FILE CA BYTES CRC32C`
 */
const [url = '', target = '', ca = '', bytes = '', crc32c = ''] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const engine = createTransferEngine({ ca: readFileSync(ca, 'utf8') });
const sign = async () => ({ origin, target: pathname, headers: {} });
const job = (totalBytes: number, name: string) =>
  download({
    engine,
    probed: { identity: { totalBytes }, ranges: true },
    sign,
    name,
    target: `${target}${name}`,
    replace: true,
    ...(name === '' ? { expected: { crc32c } } : {}),
  });

// The thread and its connections are there, as in an agent that has fetched before.
await engine.read({
  source: { identity: {}, sign },
  path: ca,
  offset: 0,
  bytes: { exactly: 0 },
  sha256: false,
  priority: 1,
}).end;
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const [started, cpu] = [performance.now(), process.cpuUsage()];
await job(Number(bytes), '');
const used = process.cpuUsage(cpu);
const wallSeconds = (performance.now() - started) / 1000;
process.stdout.write(
  JSON.stringify({
    wallSeconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
    eventLoopP99Ms: delay.percentile(99) / 1e6 - 5,
  }),
);
await engine.close();
