import { describe, expect, it } from 'vitest';
import {
  judgeLifecycle,
  LIFECYCLE_RULES,
  type LifecycleFacts,
  parseLifecycleRules,
} from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

const NOW = 2_000 * DAY_MS;
const facts = (
  ageDays: number,
  idleDays: number,
  accesses: number,
  more: Partial<LifecycleFacts> = {},
): LifecycleFacts => ({
  bytes: 200_000_000,
  createdAt: NOW - ageDays * DAY_MS,
  lastAccessAt: NOW - idleDays * DAY_MS,
  accesses,
  retained: false,
  ...more,
});

describe('the lifecycle preset', () => {
  it.each([
    ['deletes what is idle for more than 90 days and read less than 0.01 times a day', facts(400, 91, 3), 'delete', 1],
    ['archives it where it must be retained', facts(400, 91, 3, { retained: true }), 'archive', 0.8],
    ['does neither at exactly 90 days', facts(400, 90, 3), 'cold', 0.5],
    ['does neither at 0.01 a day', facts(400, 91, 4), 'cold', 0.5],
    ['cools what is idle for more than 30 days and read less than 0.1 times a day', facts(100, 31, 9), 'cold', 0.5],
    ['maintains at exactly 30 days', facts(100, 30, 9), 'maintain', 0],
    ['maintains at 0.1 a day', facts(100, 31, 10), 'maintain', 0],
    [
      'compresses what compresses below 0.7 and is larger than 100 MB',
      facts(10, 1, 9, { compression: 0.69 }),
      'compress',
      0.31,
    ],
    ['does not compress at 0.7', facts(10, 1, 9, { compression: 0.7 }), 'maintain', 0],
    ['does not compress 100 MB', facts(10, 1, 9, { compression: 0.5, bytes: 100_000_000 }), 'maintain', 0],
    ['counts the first day as a whole one', facts(0.1, 0.1, 1), 'maintain', 0],
  ] as const)('%s', (_name, given, action, saving) => {
    const judged = judgeLifecycle(given, LIFECYCLE_RULES, NOW);
    expect(judged.action).toBe(action);
    expect(judged.saving).toBeCloseTo(saving, 12);
    expect(judged.risk).toBe(action === 'maintain' || action === 'compress' ? 'none' : 'low');
  });
});

describe('other thresholds', () => {
  it('are named by the version of the rules, in one order', () => {
    const rules = parseLifecycleRules('deleteAfterIdleDays=180,coldBelowPerDay=0.2');
    expect(rules).toMatchObject({ deleteAfterIdleDays: 180, coldBelowPerDay: 0.2, coldAfterIdleDays: 30 });
    expect(rules.version).toBe('lifecycle-rules-2(coldBelowPerDay=0.2,deleteAfterIdleDays=180)');
    expect(parseLifecycleRules('coldBelowPerDay=0.2,deleteAfterIdleDays=180')).toEqual(rules);
    expect(parseLifecycleRules('')).toEqual(LIFECYCLE_RULES);
  });

  it.each([
    'coldAfterIdleDays',
    'coldAfterIdleDays=',
    'deleteAfterIdleDays=0',
    'compressBelowRatio=1.1',
    'luck=1',
    'version=2',
  ])('are refused: %s', (text) => {
    expect(() => parseLifecycleRules(text)).toThrow(/is no threshold/);
  });
});
