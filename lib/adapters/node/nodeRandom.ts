import { randomBytes } from 'node:crypto';
import type { Random } from '../../shared/ports/random.ts';

export const nodeRandom: Random = {
  number: () => Math.random(),
  id: () => randomBytes(16).toString('hex'),
};
