import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { download, type Downloaded, type DownloadJob } from '../../lib/adapters/transfer/download/download.ts';
import { fetchError } from '../../lib/adapters/transfer/download/fetchError.ts';
import { probe } from '../../lib/adapters/transfer/download/probe.ts';
import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { ENGINE_DEFAULTS } from '../../lib/adapters/transfer/engineConfig.ts';
import { createConnections } from '../../lib/adapters/transfer/http/connections.ts';
import { proxySettings } from '../../lib/adapters/transfer/http/proxy.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { positiveInteger, size } from '../arguments.ts';
import { targetOf } from '../fetch/target.ts';
import { print } from '../output.ts';
import { showProgress } from '../progress.ts';

interface FetchOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly header?: readonly string[];
  readonly sha256?: string;
  readonly crc32c?: string;
  readonly bandwidth?: number;
  readonly connections?: number;
  readonly ca?: string;
  readonly force?: true;
  readonly endpointUrl?: string;
  readonly region?: string;
  readonly pathStyle?: true;
}

/** Adds `strata fetch`. */
export function registerFetch(program: Command): void {
  program
    .command('fetch')
    .description('fetch one object into a file: in parallel, checked, resumed when it is run again; needs no plane')
    .argument('<url>', 's3://bucket/key[?versionId=…], https://… or http://…')
    .argument('<file>', 'where it goes; in a folder it gets the name of the object')
    .option('--header <line>', 'send this header too, as in "Authorization: Bearer …"; may be repeated', collect)
    .option('--sha256 <hex>', 'what the whole object must hash to', hex(64))
    .option('--crc32c <hex>', 'the CRC-32C that the whole object must have', hex(8))
    .option('--bandwidth <bytes>', 'at most this many a second, such as 100MB', size)
    .option('--connections <n>', 'exactly this many; otherwise as many as bring more', positiveInteger)
    .option('--ca <file>', 'trust the certificates of this PEM file instead of the usual ones')
    .option('--force', 'replace the file when it is there')
    .option('--endpoint-url <url>', 'an S3-compatible store, as MinIO or R2')
    .option('--region <name>', 'of the bucket')
    .option('--path-style', 'address the bucket in the path, not in the host name')
    .option('--json', 'one JSON object, and progress as JSON on stderr')
    .option('-q, --quiet', 'print the path only')
    .action(runFetch);
}

async function runFetch(url: string, path: string, options: FetchOptions): Promise<void> {
  const file = await targetOf(path, url);
  const ca = options.ca === undefined ? undefined : await readFile(options.ca, 'utf8');
  const proxies = proxySettings(process.env);
  const engine = createTransferEngine({
    proxies,
    ca,
    ...(options.bandwidth === undefined ? {} : { bytesPerSecond: options.bandwidth }),
    ...(options.connections === undefined
      ? {}
      : { sockets: { first: options.connections, most: options.connections, mostTls: options.connections } }),
  });
  const { sha256, crc32c } = options;
  const expected = { ...(sha256 === undefined ? {} : { sha256 }), ...(crc32c === undefined ? {} : { crc32c }) };
  let progress: Progress | undefined;
  try {
    engine.prepare();
    const opened = await openSource(url, options, ca);
    const started = performance.now();
    const shown = watch(opened.probed.identity.totalBytes ?? 0, options.json === true);
    progress = shown;
    const job = { ...opened, engine, target: file, expected, replace: options.force === true };
    const done = await download({ ...job, onProgress: (bytesDone) => shown.follow(bytesDone) });
    shown.end();
    printDone(options, file, done, (performance.now() - started) / 1000);
  } finally {
    progress?.end();
    await engine.close();
  }
}

type Opened = Pick<DownloadJob, 'probed' | 'sign' | 'tls' | 'name' | 'partHashes'>;

async function openSource(text: string, options: FetchOptions, ca: string | undefined): Promise<Opened> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 's3:') {
    // The SDK loads only for buckets.
    const { openS3Object } = await import('../../lib/adapters/aws/s3Download.ts');
    const [, bucket = '', key = ''] = /^s3:\/\/([^/?]+)\/([^?]+)/.exec(text) ?? [];
    const versionId = url.searchParams.get('versionId') ?? undefined;
    const { endpointUrl: endpoint, region, pathStyle } = options;
    return openS3Object(
      { bucket, key, versionId },
      { endpoint, region, pathStyle: pathStyle ?? endpoint !== undefined },
    );
  }
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InvalidArgumentError(`${text} is no s3://, https:// or http:// URL.`);
  }
  const headers = { 'User-Agent': 'strata', ...basicAuthorization(url), ...parseHeaders(options.header ?? []) };
  const sign: DownloadJob['sign'] = async () => ({
    origin: url.origin,
    target: `${url.pathname}${url.search}`,
    headers,
  });
  const connections = createConnections({ proxies: proxySettings(process.env), ca }, () => performance.now());
  const { retry, stallMs: timeoutMs } = ENGINE_DEFAULTS;
  const probed = await probe({ connections, retry, timeoutMs, sign });
  connections.close();
  // The query may be a signature, and is another one at the next try.
  const name = `${url.origin}${url.pathname}`;
  if ('failure' in probed) {
    const { kind, message } = probed.failure;
    throw fetchError({ kind, message: `${name}: ${message}` }, probed.retryable);
  }
  return { probed, sign, tls: url.protocol === 'https:', name };
}

type Progress = ReturnType<typeof watch>;

/** Shows how far a download is, five times a second, until its end. */
function watch(totalBytes: number, json: boolean) {
  const progress = showProgress(totalBytes, json, 'strata.fetch.progress/v1');
  let timer: NodeJS.Timeout | undefined;
  let shown = 0;
  let ask = () => 0;
  const show = () => {
    const now = ask();
    progress.add(now - shown);
    shown = now;
  };
  return {
    follow(bytesDone: () => number) {
      ask = bytesDone;
      timer = setInterval(show, 200).unref();
    },
    end() {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      show();
      progress.end();
    },
  };
}

function printDone(options: FetchOptions, path: string, done: Downloaded, seconds: number): void {
  const rate = seconds > 0 ? done.bytesRead / seconds : 0;
  print(options, {
    schema: 'strata.fetch/v1',
    items: [{ path, ...done, seconds }],
    id: (item) => item.path,
    columns: [
      ['FILE', (item) => item.path],
      ['SIZE', (item) => formatBytes(item.bytes)],
      ['READ', (item) => formatBytes(item.bytesRead)],
      ['CRC-32C', (item) => item.crc32c],
      ['RATE', () => `${formatBytes(Math.round(rate))}/s`],
    ],
  });
}

function basicAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {};
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(user).toString('base64')}` };
}

function parseHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new InvalidArgumentError(`${line} is no header line.`);
      return [name, value];
    }),
  );
}

function collect(line: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, line];
}

function hex(digits: number): (text: string) => string {
  return (text) => {
    if (!new RegExp(`^[0-9a-f]{${digits}}$`, 'i').test(text)) throw new InvalidArgumentError(`${digits} hex digits.`);
    return text.toLowerCase();
  };
}
