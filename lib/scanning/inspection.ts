import type { TensorFact } from './analysis/tensors.ts';
import { RefusedError } from './errors.ts';
import type { StreamState } from './pickle/streamState.ts';
import type { RangedReader } from './rangedReader.ts';
import type { RuleId } from './rules.ts';
import type { Findings, Format } from './verdict.ts';

/** What a format's reader found of model data. */
export interface Facts {
  readonly tensors: TensorFact[];
  readonly metadata: Map<string, string>;
}

const MAX_TENSORS = 500_000;
const MAX_DEPTH = 5;

/** How a judgement of many calls is cut: when this one should pause, and from where it goes on. */
export interface Pausing {
  readonly isDue: () => boolean;
  readonly resumed: StreamState | undefined;
}

/** Judges the content behind a reader and reports to the inspection. */
export type Inspect = (reader: RangedReader, inspection: Inspection) => Promise<Format>;

/**
 * One judgement as the readers of formats see it: where findings and facts go, how deep archives are nested, and a way
 * back to the judge for what lies inside. Every content inside of another gets a child inspection with its own name.
 */
export class Inspection {
  readonly facts: Facts;
  readonly #findings: Findings;
  readonly #inspect: Inspect;
  readonly #expired: () => boolean;
  readonly #path: string;
  readonly depth: number;
  /** Present only where the file itself is judged: what lies inside of it is not cut. */
  readonly pausing: Pausing | undefined;

  constructor(
    findings: Findings,
    inspect: Inspect,
    expired: () => boolean,
    place:
      | { readonly parent: { path: string; of: Inspection } }
      | { readonly facts?: Facts; readonly pausing?: Pausing },
  ) {
    const parent = 'parent' in place ? place.parent : undefined;
    this.#findings = findings;
    this.#inspect = inspect;
    this.#expired = expired;
    this.#path = parent?.path ?? '';
    this.depth = parent === undefined ? 0 : parent.of.depth + 1;
    this.pausing = 'parent' in place ? undefined : place.pausing;
    const facts = 'parent' in place ? place.parent.of.facts : place.facts;
    this.facts = facts ?? { tensors: [], metadata: new Map() };
  }

  report(rule: RuleId, text: string, offset?: number): void {
    this.#findings.report(rule, this.#path === '' ? text : `${this.#path}: ${text}`, offset);
  }

  addTensor(tensor: TensorFact): void {
    if (this.facts.tensors.length < MAX_TENSORS) this.facts.tensors.push(tensor);
  }

  checkTime(): void {
    if (this.#expired()) throw new RefusedError('file.deadline', 'the time for this scan is over');
  }

  child(name: string): Inspection {
    if (this.depth >= MAX_DEPTH) throw new RefusedError('archive.depth', `nested deeper than ${MAX_DEPTH} archives`);
    const path = this.#path === '' ? name : `${this.#path}!${name}`;
    return new Inspection(this.#findings, this.#inspect, this.#expired, { parent: { path, of: this } });
  }

  /** Judges content inside of this one; a refusal of it is a finding, and the rest of this content is judged all the same. */
  async inspectInside(name: string, reader: RangedReader): Promise<Format> {
    const child = this.child(name);
    return child.guard(() => this.#inspect(reader, child), 'unknown');
  }

  /** Runs a reader, and turns its refusal into a finding here. */
  async guard<T>(read: () => Promise<T>, refused: T): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.report(error.rule, error.message, error.offset);
      return refused;
    }
  }
}
