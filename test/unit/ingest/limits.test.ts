import { expect, it } from 'vitest';
import { digest } from '../../../functions/digest/function.ts';
import { PART_RESERVE_MS } from '../../../lib/copying/index.ts';
import { MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';

it('a digest call has minutes to hash or copy before it must keep time for what it has begun', () => {
  expect(digest.timeoutSeconds * SECOND_MS - PART_RESERVE_MS).toBeGreaterThanOrEqual(3 * MINUTE_MS);
});
