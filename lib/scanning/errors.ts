import type { RuleId } from './rules.ts';

/** `port`: the reader behind the port failed; its own error is the cause. */
export type ScanningErrorCode = 'out-of-range' | 'budget' | 'refused' | 'port';

/** Base of all errors of this capability. Only a failure of the port is retryable: the same bytes give the same verdict. */
export class ScanningError extends Error {
  readonly code: ScanningErrorCode;
  readonly retryable: boolean;

  constructor(code: ScanningErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ScanningError';
    this.code = code;
    this.retryable = code === 'port';
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
