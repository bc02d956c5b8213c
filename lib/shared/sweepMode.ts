import * as z from 'zod/mini';

/** `dry-run`: decides and reports, changes nothing. `off`: does nothing, also not what was decided before. */
export const SweepMode = z.enum(['on', 'dry-run', 'off']);
export type SweepMode = z.infer<typeof SweepMode>;
