import type { CorrelationId } from '../ids.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type MetricUnit = 'Count' | 'Bytes' | 'Milliseconds' | 'Percent';

/** Structured logs and metrics. Synchronous and never throwing: telemetry must not change what it watches. */
export interface Telemetry {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** Something failed; `error` is printed with its chain of causes. */
  error(event: string, error: unknown, fields?: LogFields): void;
  /** One data point; dimensions are few and bounded (never a digest or a host id). */
  metric(name: string, unit: MetricUnit, value: number, dimensions?: Readonly<Record<string, string>>): void;
  /** The same telemetry with these fields on every line. */
  with(fields: LogFields & { readonly correlationId?: CorrelationId }): Telemetry;
}
