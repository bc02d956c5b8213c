import { CommandReceipt, type EvictionChoice } from '../../events/command-receipt/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  type Eviction,
  EvictionRow,
  expectationOf,
  type Host,
  HostRow,
  isAdmitted,
  outboxPut,
  recordedInputs,
  type Replica,
  ReplicaRow,
  settle,
  type Versioned,
} from '../catalog/index.ts';
import { hostLocation } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { Bytes, type EpochMs, Usd } from '../shared/units.ts';
import { keepBlob } from './keepBlob.ts';
import { decidePause } from './decidePause.ts';
import { decideReceipt, type ReceiptDecision, type ReceiptRefusal, type SettleReason } from './decideReceipt.ts';
import { retryChanges } from './decideRetry.ts';
import { openReport } from './hostReports.ts';

export interface ReceiptDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export type ReceiptAnswer = SettleReason | ReceiptRefusal | 'unknown-host' | 'stale-generation';

/**
 * Takes one receipt: the action ends, the host's copy becomes what was measured, the promised bytes are given back, all in one
 * conditional write that also holds the host to the generation whose key signed. A repeated receipt changes nothing.
 */
export async function settleReceipt(deps: ReceiptDeps, envelope: SignedEnvelope): Promise<ReceiptAnswer> {
  const settled = await settle(deps.catalog, 'A receipt', async () => {
    const opened = await openReport(deps.catalog, envelope, CommandReceipt);
    if (opened.outcome === 'stale') return { changes: [], answer: { answer: opened.reason } };
    return decideChanges(deps, opened.report, opened.host);
  });
  deps.telemetry.metric('ReceiptSettled', 'Count', 1, { reason: settled.answer });
  const { receipt } = settled;
  deps.telemetry.info('receipt settled', {
    reason: settled.answer,
    action: receipt?.actionId,
    host: receipt?.host,
    type: receipt?.type,
    code: receipt?.code,
    digest: receipt?.digest,
    correlationId: receipt?.correlationId,
  });
  return settled.answer;
}

interface Settled {
  readonly answer: ReceiptAnswer;
  readonly receipt?: CommandReceipt;
}

type SettledDecision = Extract<ReceiptDecision, { kind: 'settled' }>;

/** The rows that a receipt is about, as they were read. */
interface Subject {
  readonly receipt: CommandReceipt;
  readonly host: Versioned<Host>;
  readonly action: Versioned<Action> | undefined;
  readonly replica: Versioned<Replica> | undefined;
  readonly blob: Versioned<Blob> | undefined;
  readonly now: EpochMs;
}

async function decideChanges(
  deps: ReceiptDeps,
  receipt: CommandReceipt,
  host: Versioned<Host>,
): Promise<Decided<Settled>> {
  const { catalog } = deps;
  const { digest } = receipt;
  const subject: Subject = {
    receipt,
    host,
    action: await ActionRow.get(catalog, receipt.actionId),
    replica:
      digest === undefined ? undefined : await ReplicaRow.get(catalog, digest, hostLocation('nvme', receipt.host)),
    blob: digest === undefined ? undefined : await BlobRow.get(catalog, digest),
    now: deps.clock.now(),
  };
  const decision = decideReceipt({
    receipt,
    action: subject.action?.value,
    replica: subject.replica?.value,
    blobBytes: subject.blob?.value.size,
  });
  if (decision.kind === 'refused') return { changes: [], answer: { answer: decision.reason, receipt } };
  const failed = decision.state !== 'done';
  const retry = failed ? retryChanges(subject.action?.value, receipt.code, subject.now) : { changes: [] };
  const changes = [
    actionChange(subject, decision, retry.retryAt),
    ...retry.changes,
    ...replicaChanges(subject, decision),
    hostChange(subject, decision),
    ...(await evictionChanges(deps.catalog, subject, decision)),
    ...followUps(subject, decision),
  ];
  return { changes, answer: { answer: decision.reason, receipt } };
}

function actionChange(
  { receipt, host, action, now }: Subject,
  decision: SettledDecision,
  retryAt: EpochMs | undefined,
): Change {
  const outcome = { at: now, code: receipt.code, text: receipt.message ?? decision.reason };
  const settledAction: Action =
    action === undefined
      ? {
          actionId: receipt.actionId,
          type: receipt.type,
          ...(receipt.digest === undefined ? {} : { digest: receipt.digest }),
          host: { id: host.value.id, generation: host.value.generation },
          state: decision.state,
          ...hostsReasons(receipt),
          chosen: receipt.type,
          ...recordedInputs({}),
          decidedAt: receipt.startedAt,
          expiresAt: receipt.finishedAt,
          correlationId: receipt.correlationId,
          receipt,
          outcome,
        }
      : { ...action.value, state: decision.state, receipt, outcome, retryAt };
  return ActionRow.put(settledAction, expectationOf(action));
}

/** Of what a host fetched since a process had asked for it. */
const ASKED = 'asked-on-the-host';

/** Why the host did something by itself: what an eviction puts at stake is the dollars of a miss times the odds of one. */
function hostsReasons({ choice, demotion }: CommandReceipt): Pick<Action, 'reason' | 'policy' | 'alternatives'> {
  if (demotion !== undefined) {
    const { missUsd, ssdUsd, useOdds, writeUsd, displacedUsd } = demotion;
    return {
      reason: demotion.reason,
      policy: 'demotion-by-dollars',
      alternatives: [
        { action: 'demote', usd: Usd.parse(writeUsd + displacedUsd + useOdds * ssdUsd) },
        { action: 'evict', usd: Usd.parse(useOdds * missUsd) },
      ],
    };
  }
  if (choice === undefined) return { reason: ASKED, policy: 'on-demand', alternatives: [] };
  const atStake = (blob: EvictionChoice['evicted']) => Usd.parse(blob.missUsd * blob.useOdds);
  const others = choice.next.map((blob) => ({ action: `evict ${blob.digest.slice(0, 12)}`, usd: atStake(blob) }));
  return {
    reason: choice.reason,
    policy: `${choice.policy}/${choice.judge}`,
    alternatives: [{ action: 'evict', usd: atStake(choice.evicted) }, ...others],
  };
}

function replicaChanges(subject: Subject, decision: SettledDecision): readonly Change[] {
  const { receipt, replica, blob, host } = subject;
  if (receipt.digest === undefined || decision.replica === 'unchanged') return [];
  const location = hostLocation('nvme', host.value.id);
  if (decision.replica === 'gone') {
    if (replica === undefined) return [];
    return [{ kind: 'delete', key: ReplicaRow.key(receipt.digest, location), expect: { version: replica.version } }];
  }
  // Bytes of a blob that the catalog does not know are the residents' report's business.
  if (blob === undefined) return [];
  const value: Replica = {
    digest: receipt.digest,
    location,
    host: { id: host.value.id, generation: host.value.generation },
    state: decision.replica,
    bytes: receipt.measured.bytesAfter,
    versionId: replica?.value.versionId ?? blob.value.origin.versionId,
    actionId: receipt.actionId,
    pinned: decision.pinned,
    checkedAt: receipt.finishedAt,
  };
  return [ReplicaRow.put(value, expectationOf(replica)), keepBlob(blob, replica)];
}

/** What the host has let go of by itself it will not be told to fetch again for savings soon. */
async function evictionChanges(
  catalog: CatalogStore,
  { receipt, replica, now }: Subject,
  decision: SettledDecision,
): Promise<readonly Change[]> {
  const { choice, digest, host, measured } = receipt;
  if (choice === undefined || digest === undefined || receipt.type !== 'evict' || decision.replica !== 'gone')
    return [];
  const row = await EvictionRow.get(catalog, host, digest);
  const fetchedBy = replica?.value.actionId;
  const fetched = fetchedBy === undefined ? undefined : await ActionRow.get(catalog, fetchedBy);
  const asked = fetched?.value.reason === ASKED;
  const pause = decidePause({ asked, before: row?.value, uses: choice.evicted.uses }, now);
  const eviction: Eviction = { host, digest, capacityBytes: measured.capacityBytes, ...pause };
  return [EvictionRow.put(eviction, expectationOf(row))];
}

/** The host's row is written by every receipt: that holds the receipt to the generation which was read. */
function hostChange({ receipt, host, replica }: Subject, decision: SettledDecision): Change {
  const { value } = host;
  const released = decision.replica === 'unchanged' ? 0 : promisedTo(replica?.value, value);
  const newer = receipt.finishedAt >= value.measuredAt;
  return HostRow.put(
    {
      ...value,
      promisedBytes: Bytes.parse(value.promisedBytes - released),
      ...(newer
        ? {
            usedBytes: receipt.measured.usedBytes,
            capacityBytes: receipt.measured.capacityBytes,
            measuredAt: receipt.finishedAt,
          }
        : {}),
    },
    expectationOf(host),
  );
}

/** What the host's row still holds for a copy: the bytes of a fill in the host's current generation. A retired host holds nothing. */
export function promisedTo(replica: Replica | undefined, host: Host): number {
  if (host.state === 'retired') return 0;
  const filling = replica?.state === 'reserved';
  return filling && replica?.host?.generation === host.generation ? replica.bytes : 0;
}

/** Another look at a host that has more room or lost a copy; and a copy that nobody who withdrew its blob knew of is withdrawn. */
function followUps({ receipt, host, replica, blob, now }: Subject, decision: SettledDecision): readonly Change[] {
  const { correlationId, actionId: id } = receipt;
  const appeared = replica === undefined && (decision.replica === 'verified' || decision.replica === 'unknown');
  if (appeared && blob !== undefined && !isAdmitted(blob.value.findings)) {
    const withdrawal = { schema: 'withdraw-blob/1', digest: blob.value.digest, hop: 0, correlationId };
    return [outboxPut({ id: `withdraw-${id}`, queue: 'placement', body: withdrawal }, now)];
  }
  const roomGrew = receipt.type === 'resize' && decision.state === 'done';
  const copyLost = receipt.type === 'verify' && decision.replica === 'gone';
  if (!roomGrew && !copyLost) return [];
  const { id: hostId, generation } = host.value;
  const body = { schema: 'place-host/1', host: hostId, generation, correlationId };
  return [outboxPut({ id: `place-${id}`, queue: 'placement', body }, now)];
}
