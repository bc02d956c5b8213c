import type { HostMetrics } from '../../events/host-heartbeat/metrics.ts';
import type { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import { errorText, PortError } from '../../lib/shared/errors.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { LedgerRecord } from '../nvme/records.ts';
import type { Store } from '../nvme/store.ts';
import type { Session } from '../session/session.ts';
import { createFailureLog } from './failureLog.ts';
import type { Stamps } from './stamps.ts';

/** Sequence numbers are set aside in blocks, so that a restart continues above every one that may have been sent. */
const SEQUENCE_BLOCK = 1000;
const RESIDENTS_EVERY = 10;
const MOST_RESIDENTS = 10_000;
/** So many digests fit into one message: 69 bytes each once signed, of 1 MiB. */
const MOST_DIGESTS = 14_500;

export interface Heartbeats {
  /** The first of an incarnation or a generation and every tenth list the residents anyway. False: it could not be sent. */
  sendOnce(residents?: 'with-residents'): Promise<boolean>;
}

export interface HeartbeatDeps {
  readonly store: Store;
  readonly session: Session;
  readonly sender: MessageSender;
  readonly stamps: Stamps;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** What was measured in the last whole minute, numbered; each is sent once. */
  readonly lastMinute?: () => { readonly number: number; readonly metrics: HostMetrics } | undefined;
}

export function createHeartbeats(deps: HeartbeatDeps): Heartbeats {
  const { store, session } = deps;
  let next: { readonly generation: number; sequence: number; upTo: number } | undefined;
  let sinceResidents = RESIDENTS_EVERY;
  let lastSent = 0;
  const failures = createFailureLog(deps, 'heartbeat-not-sent');

  async function nextSequence(generation: NonNullable<ReturnType<Session['current']>>['generation']): Promise<number> {
    const { heartbeats } = store.ledger.state;
    if (next?.generation !== generation) {
      const sent = heartbeats?.generation === generation ? heartbeats.upTo : 0;
      next = { generation, sequence: sent + 1, upTo: sent };
      sinceResidents = RESIDENTS_EVERY;
    }
    const sequence = next.sequence;
    next.sequence += 1;
    if (sequence > next.upTo) {
      const upTo = sequence + SEQUENCE_BLOCK;
      if (await remember({ is: 'heartbeats', generation, upTo })) next.upTo = upTo;
    }
    return sequence;
  }

  /** A host whose ledger cannot be written is alive all the same, and says so. */
  async function remember(record: LedgerRecord): Promise<boolean> {
    try {
      await store.ledger.commit([record]);
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      deps.telemetry.warn('heartbeat-not-remembered', { error: errorText(error) });
      return false;
    }
  }

  /** The whole list or none: the plane takes what is not listed for lost, or for not pinned. */
  function listsOf(residents: Digest[]): Pick<HostHeartbeat, 'residents' | 'pinned'> {
    if (residents.length > MOST_RESIDENTS) {
      deps.telemetry.warn('residents-not-listed', { residents: residents.length, most: MOST_RESIDENTS });
      return {};
    }
    const pinned = residents.filter((digest) => store.blob(digest)?.pinned);
    if (residents.length + pinned.length <= MOST_DIGESTS) return { residents, pinned };
    deps.telemetry.warn('pins-not-listed', { residents: residents.length, pinned: pinned.length, most: MOST_DIGESTS });
    return { residents };
  }

  return {
    async sendOnce(residents) {
      const current = session.current();
      if (current === undefined || !session.connected()) return false;
      const { host, generation } = current;
      const sequence = await nextSequence(generation);
      const listed = residents === 'with-residents' || sinceResidents >= RESIDENTS_EVERY;
      const measures = await store.measures();
      const minute = deps.lastMinute?.();
      const news = minute !== undefined && minute.number !== lastSent ? minute : undefined;
      // Listed and stamped at one moment: whatever is measured later carries a later stamp.
      const lists = listed ? listsOf(store.residents()) : {};
      const heartbeat: HostHeartbeat = {
        // A plane that is older than metrics takes all but those that carry them.
        schema: news === undefined ? 'host-heartbeat/3' : 'host-heartbeat/4',
        host,
        generation,
        sequence,
        at: deps.stamps.next(),
        ...measures,
        draining: store.ledger.state.draining,
        activeLeases: store.leases.active(),
        ...(news === undefined ? {} : { metrics: news.metrics }),
      };
      // Later lives go on from here, whatever their clock says; where they cannot, nothing is listed that they might contradict.
      const ordered = await remember({ is: 'stamped', at: heartbeat.at });
      const report = ordered ? { ...heartbeat, ...lists } : heartbeat;
      try {
        await deps.sender.send('heartbeats', [{ body: JSON.stringify(session.sign(report)) }]);
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        if (error.code === 'access-denied') session.renewSoon();
        failures.failed(error);
        return false;
      }
      failures.worked();
      lastSent = news?.number ?? lastSent;
      sinceResidents = listed && ordered ? 1 : sinceResidents + 1;
      return true;
    },
  };
}
