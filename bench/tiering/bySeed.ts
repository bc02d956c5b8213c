import {
  billUsd,
  type Mechanics,
  POLICIES,
  replay,
  type ReplayObject,
  type ReplaySetup,
} from '../../lib/placement/index.ts';

/** Dollars of strata-dollars ÷ Intelligent-Tiering's, a spreading each, with its objects moved by either kind of copies. */
export function ratiosBySeed(
  spreads: readonly (readonly ReplayObject[])[],
  setup: ReplaySetup,
  mechanics: Mechanics,
): readonly number[] {
  return spreads.map((objects) => {
    const ours = billUsd(replay(objects, { ...POLICIES['strata-dollars'], mechanics }, setup).bill);
    return ours / billUsd(replay(objects, POLICIES['intelligent-tiering'], setup).bill);
  });
}
