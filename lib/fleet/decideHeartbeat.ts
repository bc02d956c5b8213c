import type { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import type { Host, HostState } from '../catalog/index.ts';
import { Bytes, EpochMs } from '../shared/units.ts';

/** What a heartbeat means for its host, beside the numbers that it brings. */
export type HeartbeatReason =
  /** A later one was here already. */
  | 'out-of-order'
  /** The newest one once more. */
  | 'repeated'
  /** The first of its generation: only now is its room known, so only now is it given anything. */
  | 'first'
  /** A silent host is back: what it holds must be reported before it is believed. */
  | 'back'
  /** A draining host is empty and unused. */
  | 'drained'
  | 'alive';

export interface HeartbeatDecision {
  readonly reason: HeartbeatReason;
  /** The host as it is to be written; absent when nothing changes. */
  readonly host?: Host;
}

/** Orders heartbeats by their sequence and moves the host between its states. `now` and `silentAfterMs` are the plane's. */
export function decideHeartbeat(
  host: Host,
  heartbeat: HostHeartbeat,
  now: EpochMs,
  silentAfterMs: number,
): HeartbeatDecision {
  if (heartbeat.sequence < host.heartbeatSequence) return { reason: 'out-of-order' };
  if (heartbeat.sequence === host.heartbeatSequence) return { reason: 'repeated' };
  const draining = host.state === 'draining' || host.drainAsked === true || heartbeat.draining;
  const empty = heartbeat.usedBytes === 0 && heartbeat.reservedBytes === 0 && heartbeat.activeLeases === 0;
  const drained = host.state === 'draining' && heartbeat.draining && empty;
  const state: HostState = host.state === 'retired' || drained ? 'retired' : draining ? 'draining' : 'active';
  return {
    reason: reasonOf(host, state),
    host: {
      ...host,
      state,
      ...(draining ? { drainAsked: true } : {}),
      capacityBytes: heartbeat.capacityBytes,
      usedBytes: heartbeat.usedBytes,
      reservedBytes: heartbeat.reservedBytes,
      volumeFreeBytes: heartbeat.volumeFreeBytes,
      volumes: heartbeat.volumes,
      // The fence of a retired host drops its fills.
      promisedBytes: drained ? Bytes.parse(0) : host.promisedBytes,
      measuredAt: heartbeat.at,
      heartbeatAt: now,
      heartbeatSequence: heartbeat.sequence,
      dueAt: EpochMs.parse(now + silentAfterMs),
    },
  };
}

function reasonOf(host: Host, state: HostState): HeartbeatReason {
  if (host.state !== 'retired' && state === 'retired') return 'drained';
  if (host.heartbeatSequence === 0) return 'first';
  return host.state === 'silent' ? 'back' : 'alive';
}
