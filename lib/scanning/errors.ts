import type { RuleId } from './rules.ts';

export type ScanningErrorCode = 'out-of-range' | 'budget' | 'refused';

/** Base of all errors of this capability. None is retryable: the same bytes give the same error. */
export class ScanningError extends Error {
  readonly code: ScanningErrorCode;
  readonly retryable = false;

  constructor(code: ScanningErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ScanningError';
    this.code = code;
  }
}

/** A reader met bytes that it will not read past; the judge turns it into a reason of the verdict. */
export class RefusedError extends ScanningError {
  readonly rule: RuleId;
  readonly offset: number | undefined;

  constructor(rule: RuleId, text: string, offset?: number) {
    super('refused', text);
    this.name = 'RefusedError';
    this.rule = rule;
    this.offset = offset;
  }
}
