import type { Digest } from '../../lib/shared/ids.ts';
import type { TransferProgress } from '../../lib/shared/ports/transfer.ts';
import { fill, type FillOutcome, type FillRequest, type Flight, nameBlob } from './fill.ts';
import type { StoreParts } from './parts.ts';

/** One fill runs per blob, however many ask for it; whoever asks while it runs gets its outcome. */
export interface Fills {
  fetch(request: FillRequest): Promise<FillOutcome>;
  progress(digest: Digest): TransferProgress | undefined;
  /** Ends a running fill as `superseded`; too late once the blob is being published. */
  cancel(digest: Digest): void;
  /** Ends all fills without giving anything up. */
  stop(): void;
  running(digest: Digest): boolean;
  anyRunning(): boolean;
}

export function createFills(parts: StoreParts): Fills {
  const flights = new Map<Digest, { readonly flight: Flight; readonly outcome: Promise<FillOutcome> }>();
  let stopped = false;

  async function launch(request: FillRequest, flight: Flight): Promise<FillOutcome> {
    try {
      return await parts.blobTurns.take(request.digest, () => fill(parts, request, flight));
    } finally {
      flights.delete(request.digest);
    }
  }

  function end(flight: Flight, how: 'superseded' | 'stopped'): void {
    flight.ending ??= how;
    flight.ended.resolve();
    flight.transfer?.cancel();
  }

  return {
    async fetch(request) {
      const running = flights.get(request.digest);
      if (running !== undefined) {
        running.flight.priority = moreUrgent(running.flight.priority, request.priority);
        const outcome = await running.outcome;
        if (outcome.outcome === 'resident') await nameBlob(parts, request);
        return outcome;
      }
      if (stopped) return { outcome: 'stopped' };
      const { priority } = request;
      const flight: Flight = { priority, ending: undefined, ended: Promise.withResolvers(), transfer: undefined };
      const outcome = launch(request, flight);
      flights.set(request.digest, { flight, outcome });
      return outcome;
    },
    progress: (digest) => flights.get(digest)?.flight.transfer?.progress(),
    cancel(digest) {
      const running = flights.get(digest);
      if (running !== undefined) end(running.flight, 'superseded');
    },
    stop() {
      stopped = true;
      for (const { flight } of flights.values()) end(flight, 'stopped');
    },
    running: (digest) => flights.has(digest),
    anyRunning: () => flights.size > 0,
  };
}

function moreUrgent(one: FillRequest['priority'], other: FillRequest['priority']): FillRequest['priority'] {
  return one < other ? one : other;
}
