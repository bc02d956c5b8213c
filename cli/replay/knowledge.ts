import { InvalidArgumentError } from 'commander';
import { type Known, type KnownFact, knownRate } from '../../lib/placement/index.ts';
import { RETIRED_READS_PER_DAY } from '../../lib/tiering/index.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { duration, moment, notNegative, share } from '../arguments.ts';
import { CliError } from '../errors.ts';
import { readText } from '../textFiles.ts';

const HEADER = 'object,known,value';

export const KNOWLEDGE_HELP = `
--knowledge is a CSV of ${HEADER}, such as
  models/flux,retired,2026-03-01          from that day it is read about twice a year, as a plane takes it
  models/flux,superseded,2026-03-01       the same
  models/base,reads-per-day,0.01          what its service level says of reads that reach the store
  models/base,next-read,2026-05-01        announced: it is read on that day and not before; several lines for several days
  runs/2025,ends,2026-07-01               it is deleted on that day, such as by its retention
  models/base,packs-to,0.67               it packs to this part of its bytes; --packs-to is for the others
  models/base,restore-tolerance,12h       its readers may wait so long; --tolerance is for the others
strata-dollars uses all of it, for every policy and the optimum the tolerance says which classes may hold the object, and packs-to how small it gets; retired and superseded
stand above reads-per-day from then on, and the next read that is announced above both.`;

/** What a file says of objects, by their names in the log, in steps of days since 1970. Throws `CliError` `bad-file`. */
export async function readKnowledge(path: string): Promise<ReadonlyMap<string, Known>> {
  const [header, ...lines] = (await readText(path)).split(/\r?\n/);
  if (header?.trim() !== HEADER) throw bad(`${path} does not begin with ${HEADER}.`);
  const known = new Map<string, Known>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const [, object = '', what = '', value = ''] = /^(.+),([^,]*),([^,]*)$/.exec(line) ?? [];
    try {
      known.set(object.trim(), add(known.get(object.trim()), what.trim(), value.trim()));
    } catch (cause) {
      if (!(cause instanceof InvalidArgumentError)) throw cause;
      throw bad(`${path}, line ${index + 2}: ${what === '' ? 'it is no line of' : what} ${cause.message}`, cause);
    }
  }
  return known;
}

/** Throws `InvalidArgumentError`. */
function add(before: Known = { knowledge: [] }, what: string, value: string): Known {
  const also = (fromStep: number, fact: KnownFact): Known => {
    const knowledge = [...before.knowledge, { fromStep, fact }];
    return { ...before, knowledge: knowledge.toSorted((one, other) => one.fromStep - other.fromStep) };
  };
  const day = (): number => Math.floor(moment(value) / DAY_MS);
  const rate = (readsPerDay: number): KnownFact => ({ kind: 'rate', forecast: knownRate(readsPerDay) });
  switch (what) {
    case 'retired':
    case 'superseded':
      return also(day(), rate(RETIRED_READS_PER_DAY));
    case 'reads-per-day':
      return also(Number.NEGATIVE_INFINITY, rate(notNegative(value)));
    case 'next-read':
      return also(Number.NEGATIVE_INFINITY, { kind: 'next-read', step: day() });
    case 'ends':
      return also(Number.NEGATIVE_INFINITY, { kind: 'end', step: day() });
    case 'packs-to':
      return { ...before, packsTo: share(value) };
    case 'restore-tolerance':
      return { ...before, toleranceMs: duration(value) };
    default:
      throw new InvalidArgumentError(
        `${HEADER}; known is retired, superseded, reads-per-day, next-read, ends, packs-to or restore-tolerance.`,
      );
  }
}

const bad = (message: string, cause?: unknown): CliError =>
  new CliError({ code: 'bad-file', message, retryable: false, cause });
