import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';

/** For tests that are not about what is logged. */
export const silentTelemetry: Telemetry = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  metric: () => undefined,
  with: () => silentTelemetry,
};
