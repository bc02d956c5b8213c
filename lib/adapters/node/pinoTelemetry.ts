import type { Logger } from 'pino';
import { pino } from 'pino';
import type { LogFields, Telemetry } from '../../shared/ports/telemetry.ts';

/** JSON lines, one per event or data point; errors with their chain of causes. */
export function createPinoTelemetry(logger: Logger): Telemetry {
  return {
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, error, fields = {}) => logger.error({ ...fields, err: error }, event),
    metric: (name, unit, value, dimensions = {}) => logger.info({ metric: name, unit, value, ...dimensions }, 'metric'),
    with: (fields: LogFields) => createPinoTelemetry(logger.child(fields)),
  };
}

/** Lines go to `path`, or to standard error when there is none: standard output belongs to data. */
export function createPinoLogger(options: { readonly level: string; readonly path?: string }): Logger {
  return pino(
    { level: options.level, serializers: { err: pino.stdSerializers.errWithCause } },
    pino.destination({ dest: options.path ?? 2, sync: true, mkdir: true }),
  );
}
