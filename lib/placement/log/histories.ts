import { PlacementError } from '../errors.ts';
import type { Known, ReplayObject } from '../replay.ts';
import type { AccessRecord } from './accessRecord.ts';

/** One life of an object: from its write (or from before the log) to its delete (or beyond the log). */
interface Life {
  readonly object: string;
  bytes: number;
  readonly writtenStep: number | undefined;
  deletedStep: number | undefined;
  /** Steps with reads, and how many whole reads each had; in the order of the log. */
  readonly steps: number[];
  readonly reads: number[];
  /** Steps with reads that may have reached the store or not. */
  readonly maybe: number[];
}

/** Whether a record reached the store, was answered by a cache, or either, as a policy may have it. */
export type Reach = 'store' | 'cache' | 'either';

/**
 * Gathers an access log into the histories that replay plays. Memory grows with the number of distinct (object, day) pairs, not with
 * that of the lines, so logs may be far larger than memory. Lines may come out of order, except around a delete.
 */
export class Histories {
  private readonly stepMs: number;
  private readonly lives: Life[] = [];
  private readonly current = new Map<string, Life>();
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  /** What caches have answered tells of lives and sizes all the same. */
  add(record: AccessRecord, reach: Reach = 'store'): void {
    const step = Math.floor(record.at / this.stepMs);
    this.first = Math.min(this.first, step);
    this.last = Math.max(this.last, step);
    const life = this.lifeOf(record, step);
    life.bytes = Math.max(life.bytes, record.objectBytes ?? record.readBytes ?? 0);
    if (record.op === 'delete') {
      life.deletedStep = step;
      this.current.delete(record.object);
    }
    if (record.op !== 'read') return;
    if (reach === 'store') addRead(life, step, record);
    if (reach === 'either' && life.maybe.at(-1) !== step) life.maybe.push(step);
  }

  /** Lives of objects so far. */
  get count(): number {
    return this.lives.length;
  }

  /** Of these names, those that the log does not have. */
  missing(names: Iterable<string>): readonly string[] {
    const seen = new Set(this.lives.map(({ object }) => object));
    return [...names].filter((name) => !seen.has(name));
  }

  /**
   * The histories, in steps since 1970, with what is `known` of objects by name. `defaultBytes` is the size of objects whose size no line tells. Throws `PlacementError` with code
   * `size-unknown` where it is needed and not given.
   */
  objects(defaultBytes?: number, known?: ReadonlyMap<string, Known>): ReplayObject[] {
    return this.lives.map((life) => {
      const bytes = life.bytes > 0 ? life.bytes : defaultBytes;
      if (bytes === undefined) {
        throw new PlacementError({
          code: 'size-unknown',
          message: 'The log does not tell the size of every object. Give a size for the others with --bytes.',
          retryable: false,
        });
      }
      return { bytes, history: this.history(life), ...known?.get(life.object) };
    });
  }

  private lifeOf(record: AccessRecord, step: number): Life {
    const known = this.current.get(record.object);
    if (known !== undefined) return known;
    const object = ownText(record.object);
    const life: Life = {
      object,
      bytes: 0,
      writtenStep: record.op === 'write' ? step : undefined,
      deletedStep: undefined,
      steps: [],
      reads: [],
      maybe: [],
    };
    this.lives.push(life);
    this.current.set(object, life);
    return life;
  }

  private history(life: Life): ReplayObject['history'] {
    const byStep = new Map<number, number>();
    life.steps.forEach((step, index) => byStep.set(step, (byStep.get(step) ?? 0) + (life.reads[index] ?? 0)));
    const steps = [...byStep.keys()].sort((one, other) => one - other);
    const startStep = Math.min(life.writtenStep ?? this.first, steps[0] ?? Number.POSITIVE_INFINITY);
    const endStep = Math.max((life.deletedStep ?? this.last) + 1, (steps.at(-1) ?? 0) + 1);
    // Ranges that do not add up to a whole read still cost one.
    const counts = steps.map((step) => Math.max(1, Math.round(byStep.get(step) ?? 0)));
    const deleted = life.deletedStep !== undefined;
    if (life.maybe.length === 0) return { startStep, endStep, steps, counts, deleted };
    const maybeSteps = [...new Set(life.maybe)].filter((step) => !byStep.has(step)).sort((one, other) => one - other);
    return { startStep, endStep, steps, counts, maybeSteps, deleted };
  }
}

function addRead(life: Life, step: number, record: AccessRecord): void {
  const part = record.readBytes === undefined || life.bytes === 0 ? 1 : Math.min(1, record.readBytes / life.bytes);
  const last = life.steps.length - 1;
  if (life.steps[last] === step) {
    life.reads[last] = (life.reads[last] ?? 0) + part;
  } else {
    life.steps.push(step);
    life.reads.push(part);
  }
}

/** A copy of a text: a piece of a line would keep alive the whole chunk of the file that it was cut from. */
function ownText(text: string): string {
  return Array.from(text).join('');
}
