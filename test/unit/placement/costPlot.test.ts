import { describe, expect, it } from 'vitest';
import { cumulativeCostPlot } from '../../../lib/placement/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

describe('the plot of cumulative cost', () => {
  const svg = cumulativeCostPlot(
    'a < b',
    [
      { name: 'one', usdByStep: Float64Array.from([1, 1, 2]), firstStep: 20_000 },
      { name: 'two & more', usdByStep: new Float64Array(2_000).fill(0.001), firstStep: 20_000 },
    ],
    DAY_MS,
  );

  it('ends every line at its total, with few points, and escapes names', () => {
    const lines = [...svg.matchAll(/points="([^"]+)"/g)].map((match) => match[1]?.split(' ') ?? []);
    expect(lines).toHaveLength(2);
    // Four dollars are the top of the frame, two dollars its middle.
    expect(lines[0]?.at(-1)?.split(',')[1]).toBe('48.0');
    expect(lines[1]?.at(-1)?.split(',')[1]).toBe('216.0');
    expect(lines[1]?.length).toBeLessThanOrEqual(502);
    expect(svg).toContain('two &amp; more');
    expect(svg).toContain('<title>a &lt; b</title>');
  });

  it('begins at the date of the first step', () => {
    expect(svg).toContain('>2024-10-04<');
  });
});
