import type { LogFields, Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { errorText } from '../../lib/shared/errors.ts';
import type { Counters } from './invariants.ts';

/** Counts data points by name and dimensions; prints lines only while a run is traced. */
export function countingTelemetry(
  counters: Counters,
  trace: ((line: string) => void) | undefined,
  base: LogFields = {},
): Telemetry {
  const line = (level: string, event: string, fields: LogFields | undefined, tail = '') =>
    trace?.(`    ${level} ${event} ${JSON.stringify({ ...base, ...fields })}${tail}`);
  return {
    info: (event, fields) => line('info', event, fields),
    warn: (event, fields) => line('warn', event, fields),
    error: (event, error, fields) => line('error', event, fields, ` ${errorText(error)}`),
    metric: (name, _unit, _value, dimensions) =>
      counters.count(`metric ${[name, ...Object.values(dimensions ?? {})].join(' ')}`),
    with: (fields) => countingTelemetry(counters, trace, trace === undefined ? base : { ...base, ...fields }),
  };
}
