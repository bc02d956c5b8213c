import type { Analysis } from './analysis/analysis.ts';
import { RULES, type Rule, type RuleId } from './rules.ts';

/**
 * From harmless to harmful; a verdict takes the worst of its reasons. `unscanned` ranks above `suspicious`, because a
 * policy may admit what is suspicious and must then never admit what nobody looked at.
 */
export const STATUSES = ['clean', 'suspicious', 'unscanned', 'invalid', 'malicious'] as const;
export type Status = (typeof STATUSES)[number];

export const FORMATS = [
  'safetensors',
  'gguf',
  'onnx',
  'torch-zip',
  'torchscript',
  'torch-legacy',
  'pickle',
  'joblib',
  'npy',
  'npz',
  'keras',
  'hdf5',
  'zip',
  'tar',
  'compressed',
  'json',
  'text',
  'image',
  'tensorflow',
  'tflite',
  'unknown',
] as const;
export type Format = (typeof FORMATS)[number];

export interface Reason {
  readonly rule: RuleId;
  /** Where in the file, in bytes from its start; for an archive member, from the start of the member. */
  readonly offset?: number;
  /** What the bytes are or would do, with the member of an archive in front. */
  readonly text: string;
  readonly fix?: string;
}

export interface HeaderVerdict {
  readonly status: Status;
  readonly format: Format;
  readonly reasons: readonly Reason[];
  /** Version and digest of the rule set that judged. */
  readonly rules: string;
  /** Present where the file could be read. */
  readonly analysis?: Analysis;
  /** What the judgement cost at the port. */
  readonly bytesRead: number;
  readonly requests: number;
}

/** More reasons than this add nothing for a person, and a hostile file could make millions. */
export const MAX_REASONS = 50;
const MAX_TEXT = 300;

/** All that was found so far, to be restored in another process. */
export interface FindingsState {
  readonly reasons: Reason[];
  readonly perRule: Map<RuleId, number>;
  readonly status: Status;
}

/** Collects the reasons of one judgement; the same rule is kept at most five times. */
export class Findings {
  #reasons: Reason[] = [];
  #perRule = new Map<RuleId, number>();
  #status: Status = 'clean';

  state(): FindingsState {
    return { reasons: this.#reasons, perRule: this.#perRule, status: this.#status };
  }

  restore({ reasons, perRule, status }: FindingsState): void {
    this.#reasons = reasons;
    this.#perRule = perRule;
    this.#status = status;
  }

  report(rule: RuleId, text: string, offset?: number): void {
    const { severity, fix }: Rule = RULES[rule];
    this.#status = worst(this.#status, severity);
    const seen = this.#perRule.get(rule) ?? 0;
    this.#perRule.set(rule, seen + 1);
    if (seen >= 5 || this.#reasons.length >= MAX_REASONS) return;
    this.#reasons.push({
      rule,
      text: printable(text),
      ...(offset === undefined ? {} : { offset }),
      ...(fix === undefined ? {} : { fix }),
    });
  }

  get status(): Status {
    return this.#status;
  }

  get reasons(): readonly Reason[] {
    return this.#reasons;
  }
}

export function worst(a: Status, b: Status): Status {
  return STATUSES.indexOf(a) >= STATUSES.indexOf(b) ? a : b;
}

/** Bounded, and without the control characters by which a hostile name could rewrite a terminal or a log line. */
export function printable(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, '\uFFFD');
}
