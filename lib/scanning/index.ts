export type { Analysis, DtypeShare } from './analysis/analysis.ts';
export type { Kind } from './analysis/family.ts';
export { ScanningError, type ScanningErrorCode } from './errors.ts';
export { type JudgeOptions, judgeHeader } from './judge.ts';
export {
  assertRange,
  type CountedReader,
  createBufferReader,
  createCountedReader,
  type RangedReader,
} from './rangedReader.ts';
export { RULES, type Rule, type RuleId, type Severity } from './rules.ts';
export { RULE_SET } from './ruleSet.ts';
export type { Format, HeaderVerdict, Reason, Status } from './verdict.ts';
