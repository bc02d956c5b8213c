import { readLines } from '../../lib/adapters/files/lineFile.ts';
import { type PolicySpec, ServingBound, ServingCache } from '../../lib/caching/index.ts';
import { type AccessRecord, Histories, LogReader } from '../../lib/placement/index.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { DAY_MS, formatBytes, SECOND_MS } from '../../lib/shared/units.ts';
import { CliError } from '../errors.ts';
import { note } from '../output.ts';
import { rewriteLine } from '../progress.ts';
import { HostCaches, ObjectSizes } from './hostCaches.ts';

/** What reaches the store, behind caches of one policy or behind none. */
export interface Stream {
  readonly caches?: { readonly policy: string; readonly hosts: HostCaches };
  readonly histories: Histories;
}

export interface Streams {
  readonly streams: readonly Stream[];
  /** With caches: what no policy of these can spare the store, and the wait that none can spare the readers. */
  readonly least?: { readonly histories: Histories; readonly missWaitMs: number };
}

export interface StreamOptions {
  readonly log: readonly string[];
  /** Bytes of objects whose size the log does not tell. */
  readonly bytes?: number;
  /** Bytes that each host of the log keeps; without it all reads reach the store. */
  readonly hostCache?: number;
  readonly cachePolicies: readonly PolicySpec[];
  /** What lies on hosts pays so much, and so much a second that a GPU waits for misses; absent: it is paid for anyway. */
  readonly rent?: { readonly usdPerByteMs: number; readonly waitUsdPerMs: number } | undefined;
}

/** Reads the logs once; twice with caches, which must know how many objects there are, and how large. */
export async function readStreams(options: StreamOptions): Promise<Streams> {
  const { hostCache: capacityBytes, bytes: defaultBytes = 0 } = options;
  const plain = { histories: new Histories(DAY_MS) };
  if (capacityBytes === undefined) {
    await readLogs(options.log, (record) => plain.histories.add(record));
    return { streams: [plain] };
  }
  const sizes = new ObjectSizes();
  await readLogs(options.log, (record) => sizes.add(record), 'counting');
  const streams = options.cachePolicies.map((policy) => ({
    caches: {
      policy: policy.name,
      hosts: new HostCaches(sizes, {
        capacityBytes,
        defaultBytes,
        rentUsdPerByteMs: options.rent?.usdPerByteMs,
        create: (limits) => new ServingCache(policy.create(limits), limits),
      }),
    },
    histories: new Histories(DAY_MS),
  }));
  const least = leastOf(sizes, { capacityBytes, defaultBytes, rent: options.rent });
  await readLogs(options.log, (record) => {
    const step = Math.floor(record.at / DAY_MS);
    for (const { caches, histories } of streams) {
      histories.add(record, caches.hosts.reachesStore(record, step) ? 'store' : 'cache');
    }
    least.add(record, step);
  });
  return { streams, least: { histories: least.histories, missWaitMs: least.missWaitMs() } };
}

/** What reaches the store behind caches of any policy, and what may. */
function leastOf(
  sizes: ObjectSizes,
  { rent, ...limits }: Pick<StreamOptions, 'rent'> & { readonly capacityBytes: number; readonly defaultBytes: number },
) {
  const bounds: ServingBound[] = [];
  // Where nobody pays for the waits, no cache saves anything.
  const secondsPerByteMs = rent && rent.waitUsdPerMs > 0 ? rent.usdPerByteMs / (rent.waitUsdPerMs * SECOND_MS) : 0;
  const create = (): ServingBound => {
    const bound = new ServingBound(limits.capacityBytes, secondsPerByteMs);
    bounds.push(bound);
    return bound;
  };
  const hosts = new HostCaches(sizes, { ...limits, create });
  const histories = new Histories(DAY_MS);
  return {
    histories,
    add: (record: AccessRecord, step: number): void =>
      histories.add(record, hosts.reachesStore(record, step) ? 'store' : 'either'),
    missWaitMs: (): number => bounds.reduce((sum, bound) => sum + bound.leastCost() * SECOND_MS, 0),
  };
}

async function readLogs(
  paths: readonly string[],
  add: (record: AccessRecord) => void,
  pass: 'counting' | 'playing' = 'playing',
): Promise<void> {
  let lines = 0;
  let accesses = 0;
  const gaps: string[] = [];
  for (const path of paths) {
    const reader = new LogReader();
    const began = Date.now();
    const show = (done: number, total: number): void => {
      const perMs = done / Math.max(1, Date.now() - began);
      const left = Math.ceil((total - done) / Math.max(perMs, 1e-9) / SECOND_MS);
      rewriteLine(
        `${path}: ${formatBytes(done)} / ${formatBytes(total)}, ${Math.floor((100 * done) / total)} %, ${formatBytes(Math.round(perMs * SECOND_MS))}/s, ETA ${left}s`,
      );
    };
    for await (const some of readLines(path, show)) {
      for (const line of some) for (const record of reader.read(line)) add(record);
    }
    lines += reader.lines;
    accesses += reader.accesses;
    if (reader.badLines > 0) gaps.push(gapOf(path, reader));
  }
  rewriteLine('');
  if (accesses === 0) {
    const why = gaps.length === 0 ? 'none of them is a read, a write or a delete' : gaps.join('; ');
    const message = `Nothing was read from ${paths.join(', ')}: ${lines === 0 ? 'there is no line in it' : `${formatCount(lines, 'line')}, ${why}`}.`;
    throw new CliError({ code: 'bad-file', message, retryable: false });
  }
  if (pass === 'counting') return;
  for (const gap of gaps) note(`${gap}; they are left out`);
  note(formatCount(lines, 'line'));
}

function gapOf(path: string, { badLines, skipped }: LogReader): string {
  const examples = skipped.map(({ line, why }) => `line ${line}: ${why}`);
  const more = badLines > examples.length ? [`and ${badLines - examples.length} more`] : [];
  return `${path}: ${formatCount(badLines, 'line')} ${badLines === 1 ? 'was' : 'were'} not understood (${[...examples, ...more].join(', ')})`;
}
