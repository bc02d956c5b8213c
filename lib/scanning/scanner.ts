import { judgeHeader, judgeInSteps } from './judge.ts';
import { RULE_SET } from './ruleSet.ts';

/** What judges, under the name of its rules: the release that runs, or in the simulator the one before and after it. */
export interface Scanner {
  /** Version and digest of the rules; a verdict of others is due for a re-scan. */
  readonly rules: string;
  readonly judgeHeader: typeof judgeHeader;
  readonly judgeInSteps: typeof judgeInSteps;
}

export const SCANNER: Scanner = { rules: RULE_SET, judgeHeader, judgeInSteps };
