import type { Row } from './measure.ts';

const HEAD =
  'target             client        wall s median (quartiles)   × best peer   CPU s/GiB   × curl   verified   RSS MB   main loop p99 ms   gap ms';
/** Below this a machine is busy; above it, it is out of memory. */
const MUCH_STALL_MS = 500;

/** A table of medians: throughput as a multiple of the fastest peer's, CPU as a multiple of curl's, in the same rounds. */
export function summarise(rows: readonly Row[], ours: ReadonlySet<string>, say: (line: string) => void): void {
  for (const { client, target, wallSeconds, memoryStallMs } of rows) {
    if (memoryStallMs < MUCH_STALL_MS) continue;
    const seconds = (memoryStallMs / 1000).toFixed(1);
    say(
      `short of memory: ${client} at ${target} took ${wallSeconds.toFixed(1)} s, in ${seconds} of which nothing ran for want of it`,
    );
  }
  say(HEAD);
  for (const target of new Set(rows.map((row) => row.target))) {
    const here = rows.filter((row) => row.target === target);
    const wallOf = (client: string) => median(here, client, (row) => row.wallSeconds);
    const names = [...new Set(here.map((row) => row.client))];
    const bestPeer = Math.min(...names.filter((name) => !ours.has(name)).map(wallOf));
    const curl = median(here, 'curl', (row) => row.cpuSecondsPerGiB);
    for (const client of names) {
      const mine = here.filter((row) => row.client === client);
      const walls = mine.map((row) => row.wallSeconds);
      const cpu = median(here, client, (row) => row.cpuSecondsPerGiB);
      const [low, mid, high] = [0.25, 0.5, 0.75].map((share) => quantile(walls, share).toFixed(2));
      const told = mine.flatMap(({ maxRssBytes, eventLoopP99Ms, longestGapMs }) =>
        maxRssBytes === undefined ? [] : [{ maxRssBytes, loop: eventLoopP99Ms ?? 0, gap: longestGapMs ?? 0 }],
      );
      const own = [
        (Math.max(...told.map((one) => one.maxRssBytes)) / 1e6).toFixed(0).padEnd(8),
        quantile(
          told.map((one) => one.loop),
          0.5,
        )
          .toFixed(1)
          .padEnd(18),
        Math.max(...told.map((one) => one.gap)).toFixed(0),
      ];
      const cells = [
        target.padEnd(18),
        client.padEnd(13),
        `${mid} (${low}–${high})`.padEnd(27),
        ratio(bestPeer / wallOf(client)).padEnd(13),
        cpu.toFixed(2).padEnd(11),
        ratio(cpu / curl).padEnd(8),
        `${mine.filter((row) => row.verified).length}/${mine.length}`.padEnd(10),
        ...(told.length === 0 ? [] : own),
      ];
      say(cells.join(' ').trimEnd());
    }
  }
}

const ratio = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '–');

function median(rows: readonly Row[], client: string, of: (row: Row) => number): number {
  return quantile(rows.filter((row) => row.client === client).map(of), 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}
