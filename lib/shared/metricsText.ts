/** What one name stands for, with its values by label. */
export interface Family {
  /** Without the `_total` of counters. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'summary' | 'histogram';
  readonly help: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a summary or a histogram: `_sum` and `_count`; `_bucket` of a histogram alone. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly value: number;
}

type Points = readonly Point[];
export const counter = (name: string, help: string, points: Points): Family => ({
  name,
  type: 'counter',
  help,
  points,
});
export const gauge = (name: string, help: string, points: Points): Family => ({ name, type: 'gauge', help, points });
export const summary = (name: string, help: string, points: Points): Family => ({
  name,
  type: 'summary',
  help,
  points,
});

const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** The families in the format that a scraper's `Accept` header asks for. */
export function answerMetrics(
  families: readonly Family[],
  accept = '',
): { readonly text: string; readonly contentType: string } {
  const open = accept.includes('application/openmetrics-text');
  return {
    text: formatMetrics(families, open ? 'openmetrics' : 'prometheus'),
    contentType: open ? OPENMETRICS_TYPE : PROMETHEUS_TYPE,
  };
}

/**
 * The text formats of Prometheus (0.0.4) and OpenMetrics (1.0), which differ in how counters are declared, in the quotes of helps
 * and in the last line. Families without points are left out.
 */
export function formatMetrics(families: readonly Family[], format: 'prometheus' | 'openmetrics'): string {
  const lines = families
    .filter(({ points }) => points.length > 0)
    .flatMap(({ name, type, help, points }) => {
      const sample = type === 'counter' ? `${name}_total` : name;
      const declared = format === 'openmetrics' ? name : sample;
      return [
        `# HELP ${declared} ${format === 'openmetrics' ? quoted(help) : escaped(help)}`,
        `# TYPE ${declared} ${type}`,
        ...points.map(({ labels, suffix = '', value }) => `${sample}${suffix}${labelText(labels)} ${value}`),
      ];
    });
  return `${[...lines, ...(format === 'openmetrics' ? ['# EOF'] : [])].join('\n')}\n`;
}

function labelText(labels: Point['labels'] = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${quoted(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function quoted(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}

/** A line is a line: what would end it, or a label, is escaped. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '');
}
