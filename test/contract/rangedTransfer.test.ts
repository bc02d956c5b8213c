import { createRangedTransfer } from '../../lib/adapters/transfer/rangedTransfer.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { transferContract } from './transfer.suite.ts';

const impatient = { now: () => EpochMs.parse(0), sleep: async () => undefined };

transferContract('the ranged transfer', (ports) =>
  createRangedTransfer({ ...ports, clock: impatient, random: nodeRandom }, { rangeBytes: 32, parallelParts: 3 }),
);
