import * as z from 'zod/mini';

/** `dry-run`: decides and reports, changes nothing. `off`: does nothing, also not what was decided before. */
export const SweepMode = z.enum(['on', 'dry-run', 'off']);
export type SweepMode = z.infer<typeof SweepMode>;

/** Of deletes by policy: `dry-run` decides and reports, and nothing is deleted. */
export const ExpiryMode = z.enum(['on', 'dry-run']);
export type ExpiryMode = z.infer<typeof ExpiryMode>;

/** What decides storage classes: the rule preset, the least expected dollars, or the lifecycle preset, which may expire versions too. */
export const TierPolicyName = z.enum(['rules', 'dollars', 'lifecycle']);
export type TierPolicyName = z.infer<typeof TierPolicyName>;
