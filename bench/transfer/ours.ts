import { readFileSync, rmSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { download } from '../../lib/adapters/transfer/download/download.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';

/*
 * Our engine as the agent runs it: a process that has fetched before (as much, to the same place) fetches one object,
 * CRC-32C checked, bytes synced. Prints what the fetch alone took, of all its threads. `node ours.ts URL FILE CA BYTES CRC32C`
 */
const [url = '', target = '', ca = '', bytes = '', crc32c = ''] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const triedAgain: Record<string, number> = {};
const engine = createTransferEngine({
  ca: readFileSync(ca, 'utf8'),
  onAgain({ kind }) {
    triedAgain[kind] = (triedAgain[kind] ?? 0) + 1;
  },
});
const sign = async () => ({ origin, target: pathname, headers: {} });
let bytesDone = () => 0;

// The threads, their compiled code and their connections are there, as in an agent that has fetched before.
const job = {
  engine,
  probed: { identity: { totalBytes: Number(bytes) }, ranges: true },
  sign,
  name: '',
  replace: true,
  expected: { crc32c },
};
await download({ ...job, target: `${target}.warm-up` });
rmSync(`${target}.warm-up`);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const [started, cpu] = [performance.now(), process.cpuUsage()];
let [gap, last] = [0, { at: started, bytes: 0 }];
const watch = setInterval(() => {
  const [at, now] = [performance.now(), bytesDone()];
  if (now !== last.bytes) last = { at, bytes: now };
  gap = Math.max(gap, at - last.at);
}, 20);
await download({
  ...job,
  target,
  onProgress(ask) {
    bytesDone = ask;
  },
});
clearInterval(watch);
const used = process.cpuUsage(cpu);
const wallSeconds = (performance.now() - started) / 1000;
process.stdout.write(
  JSON.stringify({
    wallSeconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
    eventLoopP99Ms: delay.percentile(99) / 1e6 - 5,
    longestGapMs: Math.round(gap),
    triedAgain,
  }),
);
await engine.close();
