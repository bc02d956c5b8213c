import type { ForgottenAnswer, PurgeAnswer } from '../../lib/deletion/index.ts';
import type { ResolveAnswer, ResolveRefusal } from '../../lib/fleet/resolveModel.ts';
import type { ExpiryReason } from '../../lib/expiry/index.ts';
import type { KeptReason } from '../../lib/ingest/decideRemoval.ts';
import type { RemovalReason } from '../../lib/catalog/index.ts';
import type { OrphanReason } from '../../lib/orphans/decideOrphan.ts';
import type { RefreshDecision } from '../../lib/pricing/index.ts';
import type { RestoreAnswer } from '../../lib/restores/index.ts';

/** Each reason of a decision: `reached` by the seeds of `npm test`, or why that is not asked of them. */
export type Reasons<Reason extends string> = Readonly<Record<Reason, string>>;

type RefreshReason = RefreshDecision['reason'];

export const REACHED = 'reached';
export const NO_SUCH_HOST = 'only registered hosts report, and no row of a host is ever deleted';
export const RARE = 'met by fewer than one seed in some hundreds, so that npm test cannot ask for it';
const ONLY_PUBLISHED =
  'operators of this world hold and retain only what is not deleted; see test/handler/deletion.test.ts';
const NINETY_DAYS = 'waits for 90 days, which is longer than any run; see test/handler/expireUploads.test.ts';
const NOTHING_LOST =
  'the bucket loses nothing; see test/handler/sweepOrphans.test.ts and test/unit/ingest/decideRemoval.test.ts';

const uploadsKept: Reasons<KeptReason> = {
  young: REACHED,
  unpublished: REACHED,
  held: REACHED,
  'being-purged': REACHED,
  gone: REACHED,
  open: 'only what is settled is due; see test/unit/ingest/decideRemoval.test.ts',
  'copy-missing': NOTHING_LOST,
};

const uploadsRemoved: Reasons<RemovalReason> = {
  published: REACHED,
  purged: REACHED,
  cancelled: NINETY_DAYS,
  'never-published': NINETY_DAYS,
  'quarantined-for-long': NINETY_DAYS,
};

const orphans: Reasons<OrphanReason | 'gone' | 'foreign'> = {
  named: REACHED,
  young: REACHED,
  'in-flight': REACHED,
  unnamed: REACHED,
  condemned: REACHED,
  'unnamed-for-long': REACHED,
  gone: REACHED,
  changed: 'the bytes of a version id never change; see test/unit/orphans/decideOrphan.test.ts',
  'origin-missing': NOTHING_LOST,
  referenced: NOTHING_LOST,
  foreign: 'nobody else writes under blobs/; see test/handler/sweepOrphans.test.ts',
};

const purges: Reasons<PurgeAnswer | ForgottenAnswer> = {
  purged: REACHED,
  finished: REACHED,
  'not-due': REACHED,
  'being-filled': REACHED,
  'being-evicted': REACHED,
  'on-hosts': REACHED,
  pinned: REACHED,
  held: ONLY_PUBLISHED,
  retained: ONLY_PUBLISHED,
  referenced: RARE,
  'not-forgotten': RARE,
  'object-differs': 'the bytes of a version id never change; see test/handler/deleteReceipt.test.ts',
};

const restores: Reasons<RestoreAnswer> = {
  begin: REACHED,
  queued: REACHED,
  ask: REACHED,
  'ask-again': REACHED,
  'ask-faster': REACHED,
  wait: REACHED,
  move: REACHED,
  'move-again': RARE,
  overtaken: REACHED,
  unknown: REACHED,
  forget: RARE,
  'give-up': NOTHING_LOST,
};

const resolutions: Reasons<ResolveRefusal | Exclude<ResolveAnswer['outcome'], 'refused'>> = {
  resolved: REACHED,
  restoring: REACHED,
  limited: REACHED,
  'clock-skew': REACHED,
  'not-servable': REACHED,
  retired: REACHED,
  'stale-generation': REACHED,
  'unknown-blob': REACHED,
  'unknown-model': REACHED,
  'unknown-version': REACHED,
  'unknown-host': NO_SUCH_HOST,
};

const pricesKept: Reasons<Extract<RefreshReason, 'unchanged' | 'same-date'>> = {
  unchanged: REACHED,
  'same-date': REACHED,
};
const pricesTaken: Reasons<Extract<RefreshReason, 'changed'>> = { changed: REACHED };
const pricesReported: Reasons<Extract<RefreshReason, 'beyond-bound'>> = { 'beyond-bound': REACHED };

const expiries: Reasons<ExpiryReason | 'switched-off'> = {
  abandoned: REACHED,
  'deleted-before': RARE,
  'rate-reached': REACHED,
  'on-hosts': RARE,
  held: RARE,
  retained: RARE,
  aliased: RARE,
  newest: RARE,
  'still-read': RARE,
  shared: RARE,
  'bytes-reached': RARE,
  pinned: RARE,
  promised: 'nobody promises reads here; see test/handler/expiry.test.ts',
  'switched-off': 'settings do not change in a run; see test/handler/expiry.test.ts',
};

/** Of what works by schedules, and of what hosts ask: by the counter that names the reason. */
export const SCHEDULED: Readonly<Record<string, Reasons<string>>> = {
  'metric UploadsExpired keep': uploadsKept,
  'metric UploadsExpired remove': uploadsRemoved,
  'metric OrphanVersions': orphans,
  'metric PurgeStep': purges,
  'metric ExpiryDecided': expiries,
  'metric RestoreStep': restores,
  'metric ModelResolved': resolutions,
  'metric PriceRefresh keep': pricesKept,
  'metric PriceRefresh take': pricesTaken,
  'metric PriceRefresh report': pricesReported,
};
