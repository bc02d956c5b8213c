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

/**
 * Lines go to `path`, or to standard error when there is none: standard output belongs to data. Where there is no room for them
 * (a full disk), nobody fails: the first few wait in memory, later ones are lost, and `log-lines-lost` counts those once there is room again.
 */
export function createPinoLogger(options: { readonly level: string; readonly path?: string }): Logger {
  const file = pino.destination({ dest: options.path ?? 2, sync: true, mkdir: true });
  // Without a listener the process would end.
  file.on('error', () => undefined);
  let ready = true;
  let lost = 0;
  const logger: Logger = pino(
    { level: options.level, serializers: { err: pino.stdSerializers.errWithCause } },
    { write },
  );
  function write(line: string): void {
    // Writing nothing tries again what waits; `false` says that more than 16 KiB still do.
    if (!ready) ready = file.write('');
    if (!ready) {
      lost += 1;
      return;
    }
    ready = file.write(line);
    if (!ready || lost === 0) return;
    const lines = lost;
    lost = 0;
    logger.warn({ lines }, 'log-lines-lost');
  }
  return logger;
}
