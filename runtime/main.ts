import { ModelName, SemVer } from '../lib/shared/ids.ts';
import { VersionRow } from '../lib/catalog/index.ts';
import { scheduleEvent } from './envelopes.ts';
import { FolderTakenError, FolderUnusableError } from './dataFolder.ts';
import { PortTakenError } from './endpoint.ts';
import { SAMPLES, type Sample } from './samples/index.ts';
import { parseOptions, type StartOptions, USAGE } from './start/options.ts';
import { UsageError } from './start/usageError.ts';
import { AgentLostError } from './start/agents.ts';
import { push, PushError, userFile } from './start/push.ts';
import { begin, type Started, type Starting } from './start/start.ts';
import { report, type Scene, verify } from './start/verify.ts';

// Exit codes: 0 all is right, 1 something is not, 2 usage, 130 cancelled.
const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const EXIT_CANCELLED = 130;

type Upload = Pick<Sample, 'key' | 'expected'> & {
  readonly content: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
};

async function main(options: StartOptions): Promise<number> {
  const cancelled = new AbortController();
  const begun: { starting?: Starting } = {};
  // Before anything is there that would be left behind.
  process.on('exit', () => begun.starting?.abandon());
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Asked twice, nobody waits any longer.
    process.on(name, () => (cancelled.signal.aborted ? process.exit(EXIT_CANCELLED) : cancelled.abort()));
  }
  const write = (line: string) => process.stdout.write(`${line}\n`);
  // Whoever reads the timeline may go, and its file's disk may fill: the plane goes on.
  process.stdout.on('error', () => undefined);
  begun.starting = begin({ ...options, signal: cancelled.signal, write });
  const started = await begun.starting.started;
  try {
    return await Promise.race([work(started, options, cancelled.signal), whenAborted(cancelled.signal)]);
  } finally {
    await started.stop();
  }
}

async function work(started: Started, options: StartOptions, signal: AbortSignal): Promise<number> {
  const { uploads, earlier } = await pushAll(started, options, signal);
  if (options.once) {
    const followed = uploads.map(({ key, expected }) => ({ key, expected, outcome: started.outcome(key) }));
    return report(started.timeline, await verify(sceneOf(started), followed, earlier));
  }
  const where = options.data === undefined ? '' : ` --data ${options.data}`;
  started.timeline.say(`Push models of your own with \`npx strata push FILE${where}\`. Ctrl-C stops everything.`);
  return whenAborted(signal);
}

/** Cancelling is how a runtime that stays up is stopped; what should have ended by itself was cut off. */
async function whenAborted(signal: AbortSignal): Promise<number> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return EXIT_CANCELLED;
}

/** Pushes what is not there from an earlier start; `earlier` names the models that are. */
async function pushAll(
  started: Started,
  { models, samples }: StartOptions,
  signal: AbortSignal,
): Promise<{ readonly uploads: readonly Upload[]; readonly earlier: readonly string[] }> {
  const own = models.map((path): Upload => ({ ...userFile(path), expected: 'cached' }));
  const earlier = samples ? await sampleModels(started) : [];
  const uploads = [...(samples && earlier.length === 0 ? SAMPLES : []), ...own];
  for (const { key, content } of uploads) await push(started.runtime, key, content(), signal);
  return { uploads, earlier };
}

/** The sample models, where all of them are published: in a folder that was used before. */
async function sampleModels({ runtime, timeline }: Started): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { key, expected } of SAMPLES) {
    if (expected !== 'cached') continue;
    const [, model = '', version] = key.split('/');
    const row = await VersionRow.get(runtime.deps.catalog, ModelName.parse(model), SemVer.parse(version));
    if (row === undefined) return [];
    names.push(model);
  }
  timeline.say('The sample models are there from an earlier start.');
  return names;
}

/** What the checks see of it. */
function sceneOf({ runtime, agents, timeline }: Started): Scene {
  return {
    catalog: runtime.deps.catalog,
    agents,
    timeline,
    async sweepAt(moment) {
      const fired = await runtime.invoker.invoke('start-sweep', scheduleEvent('sweep', moment));
      if (fired.outcome !== 'answered') throw new Error(`The sweep did not start: ${fired.outcome}`);
    },
  };
}

const EXPECTED = [UsageError, PortTakenError, FolderTakenError, FolderUnusableError, PushError, AgentLostError];

/** A sentence for what people can mend, the whole stack for what is ours to mend. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isDiskFull(error)) return `The disk is full (${error.message}). Make room, or choose another folder with --data.`;
  return EXPECTED.some((kind) => error instanceof kind) ? error.message : String(error.stack);
}

/** Of the file system, or of SQLite (13, SQLITE_FULL). */
function isDiskFull(error: Error): boolean {
  if (('code' in error && error.code === 'ENOSPC') || ('errcode' in error && error.errcode === 13)) return true;
  return error.cause instanceof Error && isDiskFull(error.cause);
}

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') process.stdout.write(USAGE);
  process.exit(options === 'help' ? 0 : await main(options));
} catch (error) {
  if (error instanceof Error && error.name === 'AbortError') process.exit(EXIT_CANCELLED);
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(error instanceof UsageError ? EXIT_USAGE : EXIT_WRONG);
}
