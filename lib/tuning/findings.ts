import type { Written } from './settings.ts';

/** One write, and the writes that take it back, in order. */
export interface Change extends Written {
  readonly undo: readonly Written[];
}

/**
 * What was found of one setting. `right`: nothing to do; `differs`: may be changed; `denied`: another user or another
 * container may; `absent`: this kernel or device has nothing of it; `advice`: not a file that is written here.
 */
export interface Finding {
  readonly setting: string;
  readonly status: 'right' | 'differs' | 'denied' | 'absent' | 'advice';
  readonly now: string;
  readonly suggested: string;
  readonly why: string;
  readonly source: string;
  readonly risk: string;
  /** For a root shell; undefined where nothing is to be done. */
  readonly command?: string;
  readonly farOff: boolean;
  readonly changes: readonly Change[];
}
