export type { Analysis, DtypeShare } from './analysis/analysis.ts';
export type { Kind } from './analysis/family.ts';
export { ScanningError, type ScanningErrorCode } from './errors.ts';
export { judgeName, misnaming } from './fileName.ts';
export { type JudgeOptions, judgeHeader, judgeInSteps, type StepOutcome } from './judge.ts';
export {
  assertRange,
  type CountedReader,
  createBufferReader,
  createCountedReader,
  type RangedReader,
} from './rangedReader.ts';
export { RULES, type Rule, type RuleId, type Severity } from './rules.ts';
export { RULE_SET } from './ruleSet.ts';
export {
  decideScan,
  type Judged,
  OPEN_POLICY,
  type Override,
  parseScanPolicy,
  policyDigest,
  type ScanDecision,
  type ScanPolicy,
} from './policy.ts';
export { SCANNER, type Scanner } from './scanner.ts';
export { type Format, type HeaderVerdict, type Reason, STATUSES, type Status } from './verdict.ts';
