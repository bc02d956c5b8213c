import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import { type AccessBatch, TraceParser, TraceSurvey, type WholeTrace } from '../../lib/caching/index.ts';

/** The cuts of real traces that travel with the tests. */
export const CUTS = fileURLToPath(new URL('../../test/fixtures/traces/', import.meta.url));

export interface BenchTrace {
  readonly name: string;
  readonly batch: AccessBatch;
  readonly objects: number;
  readonly footprintBytes: number;
  readonly whole: WholeTrace;
}

/** Files as given; of a folder every trace in it. */
export function traceFiles(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) =>
    path.endsWith('/')
      ? readdirSync(path)
          .filter((name) => /\.[ct]sv(\.gz)?$/.test(name))
          .map((name) => join(path, name))
      : [path],
  );
}

/** Reads the rows of a trace from the share `from` on: a cold start in its later part. */
export async function readTrace(path: string, from: number): Promise<BenchTrace> {
  const lines: string[] = [];
  for await (const part of readLines(path)) lines.push(...part);
  const header = /^[\d.]/.test(lines[0] ?? '') ? [] : lines.slice(0, 1);
  const rows = lines.slice(header.length).filter((line) => line !== '');
  const batch = new TraceParser().parse([...header, ...rows.slice(Math.floor(from * rows.length))]);
  const survey = new TraceSurvey({ keepSequence: true });
  survey.feed(batch);
  const { objects, footprintBytes } = survey;
  return { name: basename(path), batch, objects, footprintBytes, whole: survey.sequence() };
}
