import { describe, expect, it } from 'vitest';
import { type Action, ActionValue, type Blob, BlobValue } from '../../../lib/catalog/index.ts';
import { MoveOutcome, moveOutcome, RunReport } from '../../../lib/costs/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { RULE_SET } from '../../../lib/scanning/index.ts';
import { DAY_MS, EpochMs, GIB, HOUR_MS, MONTH_MS } from '../../../lib/shared/units.ts';

const RATES = compileRates(shippedPriceBook());
const ENDED = Date.UTC(2026, 8, 1);
const DIGEST = 'ab'.repeat(32);
/** Two billed months after the move. */
const NOW = EpochMs.parse(ENDED + 2 * MONTH_MS);
const BYTES = 4 * GIB;

function action(over: object = {}, to = 'GLACIER_IR', facts: object = {}): Action {
  return ActionValue.parse({
    actionId: `transition-1-${DIGEST}`,
    type: 'transition',
    digest: DIGEST,
    state: 'done',
    reason: 'cheaper',
    policy: 'rules-2 aws',
    chosen: `transition ${to}`,
    alternatives: [
      { action: 'keep STANDARD', usd: 0.1, parts: { month: 0.092, move: 0, early: 0 } },
      { action: `transition ${to}`, usd: 0.02, parts: { month: 0.016, move: 0.0000204, early: 0 } },
    ],
    inputs: JSON.stringify({
      decision: 'tier',
      facts: { bytes: BYTES, createdAt: ENDED - 50 * DAY_MS, transitionedAt: ENDED - 50 * DAY_MS, ...facts },
      now: ENDED - HOUR_MS,
    }),
    inputsHash: 'x',
    decidedAt: ENDED - HOUR_MS,
    expiresAt: ENDED + DAY_MS,
    correlationId: 'sweep-1',
    outcome: { at: ENDED, code: 'switched', text: '4 GiB in GLACIER_IR' },
    ...over,
  });
}

function blob(over: object = {}, storageClass = 'GLACIER_IR'): Blob {
  return BlobValue.parse({
    digest: DIGEST,
    size: BYTES,
    partSize: 64 * 1024 * 1024,
    findings: { status: 'clean', rules: RULE_SET, format: 'safetensors', kind: 'checkpoints', reasons: [] },
    createdAt: ENDED - 50 * DAY_MS,
    origin: { location: `s3:eu-west-1:${storageClass}`, storageClass, versionId: 'v', billedSince: ENDED },
    tier: 'cold',
    transitionedAt: ENDED,
    ...over,
  });
}

describe('what a move has brought', () => {
  it('is the bill where it was less the bill where it is, less the move: two idle months of 4 GiB', () => {
    const outcome = moveOutcome(action(), blob(), [], RATES, NOW);
    expect(outcome).toMatchObject({
      state: 'done',
      code: 'switched',
      from: 'STANDARD',
      to: 'GLACIER_IR',
      bytes: BYTES,
    });
    expect(outcome?.predictedUsdPerMonth).toBeCloseTo(0.076, 12);
    // A PUT into GLACIER_IR and a GET from STANDARD.
    expect(outcome?.measured?.onceUsd).toBeCloseTo(0.00002 + 0.0000004, 12);
    expect(outcome?.measured?.predictedUsd).toBeCloseTo(2 * 0.076 - 0.0000204, 12);
    expect(outcome?.measured?.realisedUsd).toBeCloseTo(2 * 4 * (0.023 - 0.004) - 0.0000204, 9);
    expect(outcome?.measured).toMatchObject({ until: NOW, reads: 0, waitMs: 0 });
  });

  it('counts the reads of the bucket since: $0.03 a GiB that the old class did not charge', () => {
    const at = [ENDED - DAY_MS, ENDED + DAY_MS, ENDED + 3 * DAY_MS, NOW + DAY_MS];
    const days = at.map((one, index) => ({ at: EpochMs.parse(one), reads: index }));
    const quiet = moveOutcome(action(), blob(), [], RATES, NOW)?.measured;
    const read = moveOutcome(action(), blob(), days, RATES, NOW)?.measured;
    expect(read?.reads).toBe(3);
    // GETs cost $0.00001 in GLACIER_IR and $0.0000004 in STANDARD.
    const fees = 3 * (4 * 0.03 + 0.00001 - 0.0000004);
    expect((quiet?.realisedUsd ?? 0) - (read?.realisedUsd ?? 0)).toBeCloseTo(fees, 9);
  });

  it('charges the minimum duration as it was when the move ended', () => {
    const early = action(
      {
        alternatives: [
          { action: 'keep STANDARD_IA', usd: 0.05, parts: { month: 0.05, move: 0, early: 0 } },
          { action: 'transition GLACIER_IR', usd: 0.02, parts: { month: 0.016, move: 0.04, early: 0.02 } },
        ],
      },
      'GLACIER_IR',
      { transitionedAt: ENDED - 20 * DAY_MS },
    );
    const onceUsd = moveOutcome(early, blob(), [], RATES, NOW)?.measured?.onceUsd ?? 0;
    const rest = (4 * 0.0125 * 10 * DAY_MS) / MONTH_MS;
    expect(onceUsd).toBeCloseTo(0.00002 + 0.000001 + 4 * 0.01 + rest, 9);
  });

  it('counts fewer bytes of what was packed, and its charge as it was decided', () => {
    const pack = { action: 'pack STANDARD', usd: 0.07, parts: { month: 0.069, move: 0.002, early: 0 } };
    const packed = action({
      chosen: pack.action,
      alternatives: [{ action: 'keep STANDARD', usd: 0.1, parts: { month: 0.092, move: 0, early: 0 } }, pack],
    });
    const { origin } = blob({}, 'STANDARD');
    const smaller = blob({ origin: { ...origin, packed: { encoding: 'byteplane-zstd-1', bytes: 3 * GIB } } });
    const outcome = moveOutcome(packed, smaller, [], RATES, NOW);
    expect(outcome).toMatchObject({ action: 'pack', from: 'STANDARD', to: 'STANDARD' });
    expect(outcome?.measured?.onceUsd).toBe(0.002);
    expect(outcome?.measured?.realisedUsd).toBeCloseTo(2 * 0.023 - 0.002, 9);
  });

  it('ends its record when the object moved on, and knows of the wait for a restore', () => {
    const on = blob({ transitionedAt: ENDED + MONTH_MS }, 'STANDARD');
    const outcome = moveOutcome(
      action({}, 'DEEP_ARCHIVE'),
      on,
      [{ at: EpochMs.parse(ENDED + DAY_MS), reads: 1 }],
      RATES,
      NOW,
    );
    expect(outcome?.measured).toMatchObject({ until: ENDED + MONTH_MS, reads: 1, waitMs: 48 * HOUR_MS });
  });

  it('is unknown of objects that are gone, of failed moves and of actions without classes', () => {
    expect(moveOutcome(action(), undefined, [], RATES, NOW)).not.toHaveProperty('measured');
    const failed = action({ state: 'failed', outcome: { at: ENDED, code: 'source-archived', text: 'archived' } });
    expect(moveOutcome(failed, blob(), [], RATES, NOW)).toMatchObject({ state: 'failed', code: 'source-archived' });
    const expired = action({ state: 'expired', outcome: undefined });
    expect(moveOutcome(expired, blob(), [], RATES, NOW)).toMatchObject({ code: 'expired', endedAt: ENDED + DAY_MS });
    expect(moveOutcome(action({ alternatives: [] }), blob(), [], RATES, NOW)).toBeUndefined();
  });
});

describe('the report of a run', () => {
  const measured = { until: NOW, onceUsd: 0.01, predictedUsd: 1, realisedUsd: 0.8, reads: 0, waitMs: 0 };
  const move = (over: object) =>
    MoveOutcome.parse({
      digest: DIGEST,
      state: 'done',
      code: 'switched',
      text: '',
      action: 'transition',
      from: 'STANDARD',
      to: 'GLACIER',
      bytes: 10,
      endedAt: ENDED,
      predictedOnceUsd: 0.02,
      predictedUsdPerMonth: 0.5,
      measured,
      ...over,
    });

  it('adds up what was done and what failed, realised against predicted, and the waits of reads', () => {
    const report = new RunReport();
    report.add(move({}));
    report.add(move({ measured: { ...measured, realisedUsd: -0.2, reads: 3, waitMs: 5 * HOUR_MS } }));
    report.add(move({ measured: undefined }));
    report.add(move({ state: 'failed', code: 'origin-moved', measured: undefined }));
    report.add(move({ state: 'expired', code: 'expired', measured: undefined }));
    const summary = report.summary();
    expect(summary).toMatchObject({
      done: 3,
      failed: 2,
      outcomes: { switched: 3, 'origin-moved': 1, expired: 1 },
      movedBytes: 30,
      measured: 2,
      reads: 3,
      readsThatWaited: 3,
      longestWaitMs: 5 * HOUR_MS,
    });
    expect(summary.predictedUsdPerMonth).toBeCloseTo(1.5, 12);
    expect(summary.predictedUsd).toBeCloseTo(2, 12);
    expect(summary.realisedUsd).toBeCloseTo(0.6, 12);
  });
});
