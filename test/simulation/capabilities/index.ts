import type { Focus } from '../focus.ts';
import type { CreateCapability } from '../stage.ts';
import { actions } from './actions.ts';
import { archives } from './archives.ts';
import { audit } from './audit.ts';
import { batchJobs } from './batchJobs.ts';
import { deletions } from './deletions.ts';
import { dollarPlacements } from './dollarPlacements.ts';
import { expiries } from './expiries.ts';
import { fleet } from './fleet.ts';
import { hurriedReaders } from './hurriedReaders.ts';
import { impostors } from './impostors.ts';
import { messages } from './messages.ts';
import { models } from './models.ts';
import { operators } from './operators.ts';
import { overrides } from './overrides.ts';
import { origins } from './origins.ts';
import { policyChanges } from './policyChanges.ts';
import { promises } from './promises.ts';
import { prices } from './prices.ts';
import { ownBooks } from './ownBooks.ts';
import { packers } from './packers.ts';
import { packPlans } from './packPlans.ts';
import { receipts } from './receipts.ts';
import { refusals } from './refusals.ts';
import { rescans } from './rescans.ts';
import { paidRestores } from './paidRestores.ts';
import { restoreBudgets } from './restoreBudgets.ts';
import { restoreLine } from './restoreLine.ts';
import { strangers } from './strangers.ts';
import { sweepStages } from './sweepStages.ts';
import { uploads } from './uploads.ts';
import { wagers } from './wagers.ts';

/** Of these, what people, machines and strangers do in a run that concentrates on something; the others only watch then. */
export const ACTIVE: Readonly<Record<Focus, ReadonlySet<CreateCapability>>> = {
  moves: new Set([uploads, strangers, operators]),
  pins: new Set([uploads, strangers, operators, packPlans]),
  restores: new Set([uploads, archives, hurriedReaders, restoreLine, rescans]),
  expiry: new Set([uploads]),
  purges: new Set([uploads, deletions]),
  regrets: new Set([uploads, deletions, rescans]),
  releases: new Set([uploads, rescans]),
  generations: new Set([uploads, strangers, operators]),
  refusals: new Set(),
};

/** What is there only where a run concentrates on it, so that others draw no chance for it. */
export const ONLY_THERE: Readonly<Partial<Record<Focus, CreateCapability>>> = { refusals };

/** What is no action of anybody. */
export const ALWAYS: ReadonlySet<CreateCapability> = new Set([sweepStages]);

/** What the world is made of. A new capability is a file here and a line in this list. */
export const CAPABILITIES: readonly CreateCapability[] = [
  uploads,
  models,
  origins,
  deletions,
  archives,
  actions,
  fleet,
  operators,
  rescans,
  strangers,
  impostors,
  wagers,
  dollarPlacements,
  prices,
  packers,
  messages,
  expiries,
  packPlans,
  receipts,
  restoreBudgets,
  restoreLine,
  paidRestores,
  batchJobs,
  hurriedReaders,
  policyChanges,
  ownBooks,
  promises,
  // What begins once more when all else is at rest, and what comes to rest last.
  sweepStages,
  audit,
  overrides,
];
