import { HostHeartbeat } from '../../events/host-heartbeat/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type Decided, expectationOf, type Host, HostRow, outboxPut, settle } from '../catalog/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { type CommandTerms, commandChanges } from './commands.ts';
import { decideHeartbeat, type HeartbeatReason } from './decideHeartbeat.ts';
import { openReport } from './hostReports.ts';
import { keepMetrics } from './keepMetrics.ts';
import { type HeartbeatDeps, reconcileDecision, reconcileResidents } from './reconcileResidents.ts';

export type HeartbeatAnswer = HeartbeatReason | 'unknown-host' | 'stale-generation';

/**
 * Takes one heartbeat: the newest one writes the host's row, in order of its sequence whatever the order of arrival; its list of
 * residents then repairs the catalog's copies. A repeated one repairs once more, which changes nothing if it was done.
 */
export async function recordHeartbeat(deps: HeartbeatDeps, envelope: SignedEnvelope): Promise<HeartbeatAnswer> {
  const key = await deps.commandKeys.current();
  const recorded = await settle(deps.catalog, 'A heartbeat', async (): Promise<Decided<Recorded>> => {
    const opened = await openReport(deps.catalog, envelope, HostHeartbeat);
    if (opened.outcome === 'stale') return { changes: [], answer: { reason: opened.reason } };
    const now = deps.clock.now();
    const { report, host: row } = opened;
    const { reason, host = row.value } = decideHeartbeat(row.value, report, now, deps.settings.silentAfterMs);
    const answer = { reason, heartbeat: report, host };
    if (host === row.value) return { changes: [], answer };
    const terms = { key, now, ttlMs: deps.settings.commandTtlMs };
    const changes = [HostRow.put(host, expectationOf(row)), ...consequences(deps, host, report, reason, terms)];
    return { changes, answer };
  });
  const { reason, host, heartbeat } = recorded;
  deps.telemetry.metric('HeartbeatRecorded', 'Count', 1, { reason });
  if (host !== undefined && heartbeat?.residents !== undefined && reason !== 'out-of-order') {
    await reconcileResidents(deps, host, heartbeat);
  }
  if (host !== undefined && heartbeat !== undefined && reason !== 'out-of-order') {
    await keepMetrics(deps, host, heartbeat);
  }
  return reason;
}

interface Recorded {
  readonly reason: HeartbeatAnswer;
  readonly host?: Host;
  readonly heartbeat?: HostHeartbeat;
}

function consequences(
  deps: HeartbeatDeps,
  host: Host,
  { draining }: HostHeartbeat,
  reason: HeartbeatReason,
  terms: CommandTerms,
): readonly Change[] {
  switch (reason) {
    case 'first':
      return [toPlacement(host, 'place-host', terms.now)];
    case 'back': {
      const reported = commandChanges(host, reconcileDecision(deps.random, host, 'report', 'back-from-silence'), terms);
      // The command to drain may have expired while nobody was there to take it.
      if (host.state !== 'draining' || draining) return reported;
      return [
        ...reported,
        ...commandChanges(host, reconcileDecision(deps.random, host, 'drain', 'back-from-silence'), terms),
      ];
    }
    case 'drained':
      return [toPlacement(host, 'fence-host', terms.now)];
    case 'alive':
    case 'repeated':
    case 'out-of-order':
      return [];
  }
}

function toPlacement(host: Host, command: 'place-host' | 'fence-host', now: EpochMs): Change {
  const id = `${command}-${host.id}.${host.generation}.${host.heartbeatSequence}`;
  const correlationId = CorrelationId.parse(id);
  const body = { schema: `${command}/1`, host: host.id, generation: host.generation, correlationId };
  return outboxPut({ id, queue: 'placement', body }, now);
}
