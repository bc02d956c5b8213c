import * as z from 'zod/mini';

/** `dry-run`: decides and reports, changes nothing. `off`: does nothing, also not what was decided before. */
export const SweepMode = z.enum(['on', 'dry-run', 'off']);
export type SweepMode = z.infer<typeof SweepMode>;

/** What decides storage classes: the rule preset, or the least expected dollars. */
export const TierPolicyName = z.enum(['rules', 'dollars']);
export type TierPolicyName = z.infer<typeof TierPolicyName>;
