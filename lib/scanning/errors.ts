import { StrataError } from '../shared/errors.ts';
import type { RuleId } from './rules.ts';

/** `port`: the reader behind the port failed; its own error is the cause. */
export type ScanningErrorCode = 'out-of-range' | 'budget' | 'refused' | 'port' | 'policy';

/** Base of all errors of this capability. None is retryable: the same bytes give the same error. */
export class ScanningError extends StrataError<ScanningErrorCode> {
  constructor(code: ScanningErrorCode, message: string, cause?: unknown) {
    super({ code, message, retryable: false, ...(cause === undefined ? {} : { cause }) });
  }
}

/** A reader met bytes that it will not read past; the judge turns it into a reason of the verdict. */
export class RefusedError extends ScanningError {
  readonly rule: RuleId;
  readonly offset: number | undefined;

  constructor(rule: RuleId, text: string, offset?: number) {
    super('refused', text);
    this.rule = rule;
    this.offset = offset;
  }
}
