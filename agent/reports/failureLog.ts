import { errorText, type PortError } from '../../lib/shared/errors.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { LogFields, Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { type EpochMs, MINUTE_MS } from '../../lib/shared/units.ts';

/** So often a failure is told again that lasts. */
const TOLD_EVERY_MS = 10 * MINUTE_MS;

/** What is tried until it works is told when it fails first, when it fails otherwise, and when it works again. */
export interface FailureLog {
  failed(error: PortError, fields?: LogFields): void;
  worked(): void;
}

export function createFailureLog(
  { clock, telemetry }: { readonly clock: Clock; readonly telemetry: Telemetry },
  event: string,
): FailureLog {
  let lasting: { readonly code: PortError['code']; readonly toldAt: EpochMs; readonly failures: number } | undefined;
  return {
    failed(error, fields) {
      const now = clock.now();
      const { code } = error;
      const failures = (lasting?.failures ?? 0) + 1;
      // Of a clock that went back nothing is known.
      const isTold = lasting?.code === code && now >= lasting.toldAt && now - lasting.toldAt < TOLD_EVERY_MS;
      if (!isTold) telemetry.warn(event, { ...fields, error: errorText(error), failures });
      lasting = { code, failures, toldAt: isTold ? (lasting?.toldAt ?? now) : now };
    },
    worked() {
      if (lasting !== undefined) telemetry.info('works-again', { after: event, failures: lasting.failures });
      lasting = undefined;
    },
  };
}
