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
  let failures = 0;
  /** Of each code since it worked: failures may alternate. */
  const toldAt = new Map<PortError['code'], EpochMs>();
  return {
    failed(error, fields) {
      const now = clock.now();
      failures += 1;
      const told = toldAt.get(error.code);
      // Of a clock that went back nothing is known.
      if (told !== undefined && now >= told && now - told < TOLD_EVERY_MS) return;
      telemetry.warn(event, { ...fields, error: errorText(error), failures });
      toldAt.set(error.code, now);
    },
    worked() {
      if (failures > 0) telemetry.info('works-again', { after: event, failures });
      failures = 0;
      toldAt.clear();
    },
  };
}
