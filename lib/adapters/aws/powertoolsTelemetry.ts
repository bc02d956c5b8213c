import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { LogFields, MetricUnit as Unit, Telemetry } from '../../shared/ports/telemetry.ts';

const UNITS: Readonly<Record<Unit, (typeof MetricUnit)[keyof typeof MetricUnit]>> = {
  Count: MetricUnit.Count,
  Bytes: MetricUnit.Bytes,
  Milliseconds: MetricUnit.Milliseconds,
  Percent: MetricUnit.Percent,
};

/** JSON lines and embedded metrics on stdout, which CloudWatch turns into logs and metrics of namespace `Strata`. */
export function createPowertoolsTelemetry(service: string): Telemetry {
  const metrics = new Metrics({ namespace: 'Strata', serviceName: service });
  return telemetryOf(new Logger({ serviceName: service }), metrics);
}

function telemetryOf(logger: Logger, metrics: Metrics): Telemetry {
  return {
    info: (event, fields = {}) => {
      logger.info(event, { ...fields });
    },
    warn: (event, fields = {}) => {
      logger.warn(event, { ...fields });
    },
    error: (event, error, fields = {}) => {
      logger.error(event, { ...fields, error: error instanceof Error ? error : new Error(String(error)) });
    },
    metric: (name, unit, value, dimensions = {}) => {
      // Powertools throws on a name or a dimension that CloudWatch would refuse; a lost point must not fail the work.
      try {
        const single = metrics.singleMetric();
        single.addDimensions({ ...dimensions });
        single.addMetric(name, UNITS[unit], value);
      } catch (error) {
        logger.warn('metric-refused', {
          metric: name,
          error: error instanceof Error ? error : new Error(String(error)),
        });
      }
    },
    with: (fields: LogFields) => telemetryOf(logger.createChild({ persistentKeys: { ...fields } }), metrics),
  };
}
