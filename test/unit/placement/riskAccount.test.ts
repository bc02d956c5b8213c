import { describe, expect, it } from 'vitest';
import { lostUsd } from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import { rates } from '../../support/tierFacts.ts';

const GIB = 2 ** 30;
const risk = { bytes: 10 * GIB, to: 'STANDARD_IA', openedAt: 0, idleMs: 0, movedUsd: 0, reservedUsd: 0 };

describe('what a learned move has lost', () => {
  it('counts every read of the bucket since it left, not only the days with reads', () => {
    const lost = (reads: number) =>
      lostUsd(
        risk,
        [
          { at: 5 * DAY_MS, reads },
          { at: 40 * DAY_MS, reads: 9 },
        ],
        10 * DAY_MS,
        rates,
      );
    // $0.01 a GiB and $0.001 for 1,000 GETs, of which Intelligent-Tiering charges $0.0004.
    expect(lost(4) - lost(1)).toBeCloseTo(3 * (10 * 0.01 + 0.0000006), 9);
  });
});
