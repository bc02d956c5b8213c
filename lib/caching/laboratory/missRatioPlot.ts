import type { PolicyResult } from './simulation.ts';

type Metric = 'objectMissRatio' | 'byteMissRatio' | 'waitRatio';

export interface PlotOptions {
  readonly title: string;
  readonly metric: Metric;
  readonly footprintBytes: number;
}

const WIDTH = 760;
const HEIGHT = 440;
const FRAME = { left: 64, right: 590, top: 48, bottom: 384 };
/** Okabe and Ito's palette, told apart with every kind of colour vision; dashes tell further policies apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const DASHES = ['none', '7 4', '2 4'];
const LABELS: Record<Metric, string> = {
  objectMissRatio: 'object miss ratio',
  byteMissRatio: 'byte miss ratio',
  waitRatio: 'wait ÷ wait if every access missed',
};

/** Miss ratio curves as an SVG: cache size on a logarithmic axis as a share of the footprint, one line per policy. */
export function missRatioPlot(results: readonly PolicyResult[], options: PlotOptions): string {
  const { footprintBytes, metric } = options;
  const share = (result: PolicyResult): number => result.capacityBytes / footprintBytes;
  const shares = results.map(share);
  const x = logScale(Math.min(...shares), Math.max(...shares));
  const top = Math.max(0.01, ...results.map((result) => result[metric]));
  const y = (ratio: number): number => FRAME.bottom - (ratio / top) * (FRAME.bottom - FRAME.top);
  const curves = [...Map.groupBy(results, (result) => result.policy)].map(([policy, ofPolicy], index) => {
    const points = ofPolicy
      .toSorted((a, b) => a.capacityBytes - b.capacityBytes)
      .map((result) => `${x(share(result)).toFixed(1)},${y(result[metric]).toFixed(1)}`);
    return curve(policy, points, index);
  });
  const ticksX = [...new Set(shares)].map((value) => tickX(x(value), `${Number((100 * value).toPrecision(3))} %`));
  const ticksY = [0, 0.25, 0.5, 0.75, 1].map((part) => tickY(y(part * top), (part * top).toFixed(2)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(options.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${FRAME.left}" y="26" font-size="15">${escapeXml(options.title)}</text>`,
    ...ticksY,
    ...ticksX,
    `<text x="${(FRAME.left + FRAME.right) / 2}" y="${FRAME.bottom + 42}" text-anchor="middle">cache size, share of the footprint</text>`,
    `<text transform="translate(18 ${(FRAME.top + FRAME.bottom) / 2}) rotate(-90)" text-anchor="middle">${LABELS[metric]}</text>`,
    ...curves,
    '</svg>',
    '',
  ].join('\n');
}

function curve(policy: string, points: readonly string[], index: number): string {
  const colour = COLOURS[index % COLOURS.length];
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length];
  const labelY = FRAME.top + 8 + index * 17;
  return [
    `<g fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}">`,
    `<polyline points="${points.join(' ')}"/>`,
    `<line x1="${FRAME.right + 14}" x2="${FRAME.right + 38}" y1="${labelY - 4}" y2="${labelY - 4}"/></g>`,
    ...points.map((point) => {
      const [cx, cy] = point.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`;
    }),
    `<text x="${FRAME.right + 44}" y="${labelY}">${escapeXml(policy)}</text>`,
  ].join('');
}

function logScale(low: number, high: number): (value: number) => number {
  const span = Math.log(high / low) || 1;
  return (value) => FRAME.left + 8 + (Math.log(value / low) / span) * (FRAME.right - FRAME.left - 16);
}

function tickX(x: number, label: string): string {
  return (
    `<line x1="${x}" x2="${x}" y1="${FRAME.top}" y2="${FRAME.bottom}" stroke="#ddd"/>` +
    `<text x="${x}" y="${FRAME.bottom + 18}" text-anchor="middle">${label}</text>`
  );
}

function tickY(y: number, label: string): string {
  return (
    `<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y}" y2="${y}" stroke="#ddd"/>` +
    `<text x="${FRAME.left - 8}" y="${y + 4}" text-anchor="end">${label}</text>`
  );
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
