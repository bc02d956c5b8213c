import type { Demotion } from '../../events/command-receipt/v1.ts';
import type { AccessReason } from '../../lib/accesses/decideCounts.ts';
import type { BatchReason } from '../../lib/accesses/countAccesses.ts';
import type { QuarantineReason } from '../../lib/catalog/index.ts';
import type { FenceReason } from '../../lib/fleet/fenceHost.ts';
import type { PlacementReason } from '../../lib/fleet/placeOnHost.ts';
import type { ActionReaping, HostReaping } from '../../lib/fleet/reap.ts';
import type { ReconcileReason } from '../../lib/fleet/reconcileResidents.ts';
import type { HeartbeatAnswer } from '../../lib/fleet/recordHeartbeat.ts';
import type { ReceiptAnswer } from '../../lib/fleet/settleReceipt.ts';
import type { MoveReason } from '../../lib/tiering/moveRun.ts';
import type { TransitionAnswer } from '../../lib/tiering/transitionReplica.ts';
import { FAULT_KINDS } from './faults.ts';
import { NO_SUCH_HOST, RARE, REACHED, type Reasons, SCHEDULED } from './reasons.ts';

const OTHER_SETTING =
  'the world runs the shipped settings: other policies are shown in test/unit/placement and test/unit/scanning';
const NO_FORGER = 'needs a host that lies under its own key; see test/unit/fleet/decideReceipt.test.ts';

const heartbeats: Reasons<HeartbeatAnswer> = {
  alive: REACHED,
  back: REACHED,
  drained: REACHED,
  first: REACHED,
  'out-of-order': REACHED,
  repeated: REACHED,
  'stale-generation': REACHED,
  'unknown-host': NO_SUCH_HOST,
};

const hosts: Reasons<HostReaping> = {
  silent: REACHED,
  'silent-draining': REACHED,
  'heard-since': REACHED,
  retired: REACHED,
};

const demotions: Reasons<Demotion['reason']> = {
  pays: REACHED,
  'costs-more': REACHED,
  'never-asked-for': REACHED,
  'not-copied': RARE,
  'too-large': REACHED,
  draining: RARE,
  'no-origin': 'no ledger is lost here; see test/unit/agent/decideDemotion.test.ts',
};

const actions: Reasons<ActionReaping> = {
  expired: REACHED,
  superseded: REACHED,
  'ended-since': REACHED,
  'tried-again': RARE,
};

const residents: Reasons<ReconcileReason> = {
  adopted: REACHED,
  'as-known': REACHED,
  confirmed: REACHED,
  'left-alone': REACHED,
  lost: REACHED,
  'stale-report': REACHED,
  'pin-differs': `${RARE}; see test/handler/heartbeats.test.ts`,
  foreign: REACHED,
};

const fences: Reasons<Exclude<FenceReason, 'believed'>> = {
  'fill-ended': REACHED,
  'unknown-until-reported': REACHED,
  retired: REACHED,
};

const placements: Reasons<PlacementReason> = {
  'already-filling': REACHED,
  'already-resident': REACHED,
  'being-evicted': REACHED,
  'host-not-active': REACHED,
  'named-anew': REACHED,
  'no-room': REACHED,
  subscribed: REACHED,
  'not-subscribed': REACHED,
  'labels-differ': 'no version can ask its hosts for labels yet; see test/unit/placement',
  'expected-saving': REACHED,
  'no-forecast': REACHED,
  'no-expected-saving': REACHED,
  'evicted-by-host': REACHED,
  'source-archived': REACHED,
  'stale-rules': REACHED,
  'not-clean': REACHED,
  'unknown-blob': 'versions are published with their blobs, and never lose them here',
  'unknown-version': REACHED,
  'unknown-host': NO_SUCH_HOST,
};

const receipts: Reasons<ReceiptAnswer> = {
  'already-settled': REACHED,
  'as-measured': REACHED,
  'host-failed': REACHED,
  'host-refused': REACHED,
  'stale-generation': REACHED,
  'host-leaked': 'needs a file that cannot be removed; see test/unit/agent/leaked.test.ts',
  'bytes-do-not-fit': NO_FORGER,
  'not-local': NO_FORGER,
  'other-command': NO_FORGER,
  'unknown-action': NO_FORGER,
  'unknown-host': NO_SUCH_HOST,
};

const quarantines: Reasons<QuarantineReason> = {
  'bad-key': REACHED,
  'hop-limit': REACHED,
  'immutable-version': REACHED,
  'invalid-format': REACHED,
  malicious: REACHED,
  unscannable: REACHED,
  'invalid-set': REACHED,
  'not-in-set': REACHED,
  'size-differs-from-set': REACHED,
  policy: OTHER_SETTING,
  releasable: REACHED,
  suspicious: OTHER_SETTING,
  'too-large': REACHED,
};

const accessBatches: Reasons<BatchReason> = {
  counted: REACHED,
  'counted-before': REACHED,
  'stale-generation': REACHED,
  'unknown-host': NO_SUCH_HOST,
};

const accesses: Reasons<AccessReason> = {
  counted: REACHED,
  'implausible-day': 'clocks are off by an hour at most',
};

const NOT_PACKED = 'nothing is packed here; see test/unit/placement/decidePacking.test.ts';
const tiers: Reasons<MoveReason> = {
  'already-there': REACHED,
  'below-class-minimum': REACHED,
  held: REACHED,
  'held-at-a-loss': RARE,
  'sent-before': REACHED,
  'young-content': REACHED,
  'allowance-spent': REACHED,
  'archive-age-reached': REACHED,
  cheaper: REACHED,
  'minimum-duration': REACHED,
  'needs-restore': REACHED,
  'new-content': RARE,
  'no-cheaper-class': REACHED,
  'old-and-rarely-read': REACHED,
  'restore-too-slow': RARE,
  'read-daily': 'what is read so often lies in STANDARD here; see test/unit/placement/decideTier.test.ts',
  'risk-ended': `${RARE}; see test/unit/placement/policyVersions.test.ts`,
  'fees-exceed-move': RARE,
  'read-weekly': REACHED,
  'transition-under-way': REACHED,
  abandoned: RARE,
  'expiry-not-allowed': RARE,
  'rarely-read': RARE,
  expires: REACHED,
  'still-read': REACHED,
  'unknown-blob': RARE,
  'restore-begun':
    'what is archived and then read is restored for its reader before a sweep comes by; see test/handler/sweep.test.ts',
  'restore-under-way': 'follows restore-begun',
  'not-warming': 'it has its turn in the next stage, which counts it; see test/handler/sweepStages.test.ts',
  'not-in-force': 'no release is deployed here while dollars decide; see test/handler/policyVersions.test.ts',
  'budget-spent': REACHED,
  'above-budget': 'nothing is so dear here; see test/handler/waitingMoves.test.ts',
  'ways-home-spent': 'ways home are few here; see test/unit/tiering/sweepBudget.test.ts',
  'rate-reached': REACHED,
  'decided-otherwise': REACHED,
  'in-use': REACHED,
  compressible: NOT_PACKED,
  'cheaper-packed': NOT_PACKED,
  promise: RARE,
  'would-pack': NOT_PACKED,
};

const transitions: Reasons<TransitionAnswer> = {
  switched: REACHED,
  copying: REACHED,
  'delete-old': REACHED,
  finished: REACHED,
  wait: RARE,
  'discard-copy': REACHED,
  'blob-purged': REACHED,
  'give-up': 'it ends as origin-moved or blob-purged',
  'origin-moved': REACHED,
  'copy-differs': REACHED,
  'source-absent': RARE,
  'source-differs': 'the bucket keeps what it has; see test/handler/packing.test.ts',
  'hardly-smaller': REACHED,
  'source-archived': RARE,
  'switched-off': OTHER_SETTING,
  'packing-switched-off': REACHED,
  'target-occupied': REACHED,
};

const BY_COUNTER: Readonly<Record<string, Reasons<string>>> = {
  'metric HeartbeatRecorded': heartbeats,
  'metric HostReaped': hosts,
  'metric ActionReaped': actions,
  'metric ResidentReconciled': residents,
  'metric ReplicaFenced': fences,
  'metric PlacementDecided': placements,
  'demotion:': demotions,
  'metric ReceiptSettled': receipts,
  'quarantine:': quarantines,
  'metric AccessBatch': accessBatches,
  'metric AccessReported': accesses,
  'metric TierDecided': tiers,
  'metric TransitionStep': transitions,
  ...SCHEDULED,
};

/** Commands of every type, and every end that they come to. */
const ACTIONS = [
  ...['done', 'failed', 'expired', 'superseded'].map((end) => `action prefetch: pending→${end}`),
  ...['evict', 'pin', 'unpin', 'verify', 'resize', 'report', 'transition'].map(
    (type) => `action ${type}: pending→done`,
  ),
];

const EDGES = [
  'upload: new→observed',
  'upload: new→quarantined',
  'upload: observed→digesting',
  'upload: observed→ready',
  'upload: observed→quarantined',
  'upload: observed→cancelled',
  'upload: digesting→ready',
  'upload: digesting→quarantined',
  'upload: digesting→cancelled',
  'upload: quarantined→digesting',
  'replica: new→reserved',
  'replica: new→verified',
  'replica: reserved→verified',
  'replica: reserved→gone',
  'replica: verified→evicting',
  'replica: verified→unknown',
  'replica: verified→gone',
  'replica: evicting→gone',
  'replica: unknown→verified',
  'replica: unknown→gone',
  'replica: unknown→reserved',
  'host: active→silent',
  'host: silent→active',
  'origin: STANDARD→STANDARD_IA',
  'origin: STANDARD→GLACIER',
  'origin: GLACIER→STANDARD',
  'encoding: plain→packed',
  'encoding: packed→plain',
  'encoding: packed→packed',
  'restore: restored→gone',
  'tombstone: deleted→gone',
  'tombstone: purging→purged',
];

const OTHERS = [
  ...['queue', 'schedule', 'stream', 'route', 'call'].map((trigger) => `deliveries by ${trigger}`),
  'delivered scan',
  'version published',
  'version deleted',
  'version expired',
  'blob purged',
  'decided restore: expired-before-its-copy',
  'deletions: version-held',
  'metric CommandsRejected foreign-host',
  'sweep over the inventory',
  'account: grown',
  'decided restore: needed-sooner',
  'job line moving',
  'job line origin-moved',
  'own book: own/contract@2026-11-20 in force',
  'own book: a move by one',
  'prices: replayed, refreshed',
  'prices: book-not-taken',
  'sweep at rest',
  'sweep at rest: something is uncounted',
  'policy: refused',
  'policy: accepted',
  'policy: rules→dollars',
  'policy: dollars→lifecycle',
  'policy: lifecycle→rules',
  'override: released',
  'override: not-releasable',
  'reads refused: the bucket',
  'reads refused: blamed after a day',
];

/** What `counters` lacks of all that the seeds must reach: faults, reasons, state edges. */
export function neverReached(counters: ReadonlySet<string>): readonly string[] {
  const names = [...counters];
  const reasons = Object.entries(BY_COUNTER).flatMap(([counter, reasonsOfIt]) =>
    Object.entries(reasonsOfIt).flatMap(([reason, why]) => (why === REACHED ? [`${counter} ${reason}`] : [])),
  );
  const wanted = [...reasons, ...ACTIONS, ...EDGES, ...OTHERS, ...FAULT_KINDS.map((kind) => `fault ${kind}`)];
  // A counter may name further dimensions after the reason.
  return wanted.filter((want) => !names.some((name) => name === want || name.startsWith(`${want} `)));
}
