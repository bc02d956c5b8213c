/** One line of the plot. */
export interface CostCurve {
  readonly name: string;
  /** Dollars of each step, from `firstStep` on. */
  readonly usdByStep: Float64Array;
  readonly firstStep: number;
}

const WIDTH = 760;
const HEIGHT = 440;
const FRAME = { left: 72, right: 570, top: 48, bottom: 384 };
/** Okabe and Ito's palette, told apart with every kind of colour vision. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** The cumulative dollars of each policy over time, as an SVG. `stepMs` turns steps since 1970 into dates. */
export function cumulativeCostPlot(title: string, curves: readonly CostCurve[], stepMs: number): string {
  const first = Math.min(...curves.map((curve) => curve.firstStep));
  const end = Math.max(...curves.map((curve) => curve.firstStep + curve.usdByStep.length));
  const sums = curves.map((curve) => cumulative(curve));
  const top = Math.max(...sums.map((sum) => sum.at(-1) ?? 0)) || 1;
  const x = (step: number): number => FRAME.left + ((step - first) / (end - first)) * (FRAME.right - FRAME.left);
  const y = (usd: number): number => FRAME.bottom - (usd / top) * (FRAME.bottom - FRAME.top);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${FRAME.left}" y="26" font-size="15">${escapeXml(title)}</text>`,
    ...ticks.map((part) => tickY(y(part * top), `$${Number((part * top).toPrecision(3))}`)),
    ...ticks.map((part) => tickX(x(first + part * (end - first)), dateOf((first + part * (end - first)) * stepMs))),
    ...curves.map((curve, index) => {
      const points = thinned(sums[index] ?? []).map(
        ({ at, usd }) => `${x(curve.firstStep + at + 1).toFixed(1)},${y(usd).toFixed(1)}`,
      );
      return line(curve.name, points, index);
    }),
    '</svg>',
    '',
  ].join('\n');
}

function cumulative(curve: CostCurve): number[] {
  let sum = 0;
  return Array.from(curve.usdByStep, (usd) => (sum += usd));
}

/** At most about 500 points of a line, the last one among them. */
function thinned(sums: readonly number[]): { at: number; usd: number }[] {
  const every = Math.ceil(sums.length / 500);
  return sums.flatMap((usd, at) => (at % every === 0 || at === sums.length - 1 ? [{ at, usd }] : []));
}

function line(name: string, points: readonly string[], index: number): string {
  const colour = COLOURS[index % COLOURS.length];
  const dash = index < COLOURS.length ? 'none' : '7 4';
  const labelY = FRAME.top + 8 + index * 17;
  return (
    `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>` +
    `<line x1="${FRAME.right + 14}" x2="${FRAME.right + 38}" y1="${labelY - 4}" y2="${labelY - 4}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>` +
    `<text x="${FRAME.right + 44}" y="${labelY}">${escapeXml(name)}</text>`
  );
}

function tickX(x: number, label: string): string {
  return `<text x="${x.toFixed(1)}" y="${FRAME.bottom + 18}" text-anchor="middle">${label}</text>`;
}

function tickY(y: number, label: string): string {
  return (
    `<line x1="${FRAME.left}" x2="${FRAME.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#ddd"/>` +
    `<text x="${FRAME.left - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`
  );
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
