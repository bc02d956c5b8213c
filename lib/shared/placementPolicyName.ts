import * as z from 'zod/mini';

/** What decides which hosts hold a model: their subscriptions alone, or among those the least expected dollars. */
export const PlacementPolicyName = z.enum(['subscriptions', 'dollars']);
export type PlacementPolicyName = z.infer<typeof PlacementPolicyName>;
