import {
  type AccessBatch,
  type CacheSize,
  CachingError,
  type MissWait,
  type Objective,
  type PolicyResult,
  type PolicySpec,
  pfooLowerBound,
  Simulation,
  TraceParser,
  TraceSurvey,
} from '../../caching/index.ts';
import { readLines } from './lineFile.ts';

export interface ReplayRequest {
  readonly path: string;
  readonly policies: readonly PolicySpec[];
  /** Whether to add the PFOO-L lower bound of each metric. */
  readonly bound: boolean;
  readonly sizes: readonly CacheSize[];
  readonly objective: Objective;
  readonly wait: MissWait;
  readonly seed: number;
  readonly storesEveryMiss?: boolean;
  /** A fraction of the whole work in [0, 1]. */
  onProgress?(done: number): void;
}

export interface Replay {
  readonly accesses: number;
  readonly objects: number;
  readonly footprintBytes: number;
  /** By policy, and within each by size as asked for. */
  readonly results: readonly (PolicyResult & { readonly size: number })[];
}

/**
 * Replays a trace file. It is read twice, first for its footprint; online policies hold nothing of it in memory but what
 * they know per object, offline ones and the bound 20 bytes per access.
 * @throws FileError, and CachingError `bad-trace` with the line, or where there is no access at all
 */
export async function replayTrace(request: ReplayRequest): Promise<Replay> {
  const { policies, sizes, objective, wait, seed, storesEveryMiss = false } = request;
  const parser = new TraceParser();
  const offline = request.bound || policies.some((policy) => policy.offline);
  const survey = new TraceSurvey({ keepSequence: offline });
  for await (const batch of batches(request, parser, 0)) survey.feed(batch);
  const { objects, accesses, footprintBytes } = survey;
  if (accesses === 0) {
    throw new CachingError({ code: 'bad-trace', message: `${request.path} has no accesses`, retryable: false });
  }
  const capacitiesBytes = sizes.map((size) => size.bytesOf(footprintBytes));
  const whole = offline ? survey.sequence() : undefined;
  const nextUse = whole === undefined ? {} : { nextUse: whole.nextUse };
  const simulation = new Simulation({
    policies,
    capacitiesBytes,
    objective,
    wait,
    objects,
    seed,
    storesEveryMiss,
    ...nextUse,
  });
  for await (const batch of batches(request, parser, 0.5)) simulation.feed(batch);
  const bound = request.bound && whole !== undefined ? pfooLowerBound(whole, { capacitiesBytes, wait }) : [];
  const results = [...simulation.results(), ...bound].map((result, index) => ({
    size: sizes[index % sizes.length]?.size ?? 0,
    ...result,
  }));
  return { accesses, objects, footprintBytes, results };
}

async function* batches(request: ReplayRequest, parser: TraceParser, from: number): AsyncGenerator<AccessBatch> {
  parser.rewind();
  const onProgress = (bytesDone: number, totalBytes: number): void =>
    request.onProgress?.(from + bytesDone / totalBytes / 2);
  for await (const lines of readLines(request.path, onProgress)) yield parser.parse(lines);
}
