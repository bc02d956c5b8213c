import { expect, it } from 'vitest';
import { digest } from '../../../functions/digest/function.ts';
import { COPY_RESERVE_MS } from '../../../lib/ingest/index.ts';
import { MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';

it('a digest call has minutes to hash before it must keep time for the copy', () => {
  expect(digest.timeoutSeconds * SECOND_MS - COPY_RESERVE_MS).toBeGreaterThanOrEqual(3 * MINUTE_MS);
});
