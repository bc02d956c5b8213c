import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, fitTable } from '../../../cli/fitTable.ts';
import { textWidth } from '../../../cli/textWidth.ts';

const HOSTS: readonly Column[] = [
  'HOST',
  'STATE',
  ['GENERATION', 'spare'],
  ['VOLUMES', 'text'],
  'USED',
  ['SUBSCRIPTIONS', 'spare'],
];
const ROWS = [
  ['gpu-17', 'active', '3', 'fast (nvme) 1.2 TiB of 3.5 TiB', '1.2 TiB', 'sdxl*, flux-dev'],
  ['gpu-18', 'silent, to drain', '11', '', '0 B', '*'],
];

describe('a table in a terminal', () => {
  it('is whole where it fits', () => {
    const { headings, rows, leftOut } = fitTable(HOSTS, ROWS, 102);
    expect(headings).toEqual(['HOST', 'STATE', 'GENERATION', 'VOLUMES', 'USED', 'SUBSCRIPTIONS']);
    expect(rows).toEqual(ROWS);
    expect(leftOut).toEqual([]);
  });

  it('leaves out what may be spared, from the right, and no more than it must', () => {
    expect(fitTable(HOSTS, ROWS, 90).leftOut).toEqual(['SUBSCRIPTIONS']);
    expect(fitTable(HOSTS, ROWS, 70).leftOut).toEqual(['GENERATION', 'SUBSCRIPTIONS']);
  });

  it('then shortens texts, whose cells say that they are', () => {
    const { rows, leftOut } = fitTable(HOSTS, ROWS, 60);
    expect(leftOut).toEqual(['GENERATION', 'SUBSCRIPTIONS']);
    expect(rows).toEqual([
      ['gpu-17', 'active', 'fast (nvme) 1.2 TiB of 3…', '1.2 TiB'],
      ['gpu-18', 'silent, to drain', '', '0 B'],
    ]);
  });

  it('shortens long texts to what can be read before it leaves anything out', () => {
    const copies = 'aws/us-east-1 complete, '.repeat(3);
    const columns: readonly Column[] = ['FILE', ['DIGEST', 'spare'], ['COPIES', 'text']];
    const row = ['a.gguf', 'f'.repeat(16), copies];
    const cut = fitTable(columns, [row], 58);
    expect(cut.leftOut).toEqual([]);
    expect(cut.rows).toEqual([['a.gguf', 'f'.repeat(16), 'aws/us-east-1 complete, aws/us-…']]);
    const spared = fitTable(columns, [row], 57);
    expect(spared.leftOut).toEqual(['DIGEST']);
    expect(spared.rows).toEqual([['a.gguf', 'aws/us-east-1 complete, aws/us-east-1 complete,…']]);
  });

  it('counts what East Asian scripts and emoji take on a terminal, and cuts none of them in two', () => {
    const text = '模型'.repeat(4);
    expect(fitTable(['ID', ['TEXT', 'text']], [['a', text]], 20).rows).toEqual([['a', text]]);
    expect(fitTable(['ID', ['TEXT', 'text']], [['a', text]], 19).rows).toEqual([['a', '模型模型模型模…']]);
    const astral = `${'x'.repeat(10)}${'\u{1D400}'.repeat(9)}`;
    expect(fitTable(['ID', ['TEXT', 'text']], [['a', astral]], 16).rows).toEqual([
      ['a', `${'x'.repeat(10)}\u{1D400}…`],
    ]);
  });

  it('leaves a column without any text out first, and does not tell of it', () => {
    const without = ROWS.map((row) => row.with(3, ''));
    const { headings, leftOut } = fitTable(HOSTS, without, 70);
    expect(headings).not.toContain('VOLUMES');
    expect(leftOut).toEqual([]);
  });

  it('shows names and what is to be done whole, however narrow it is', () => {
    const { headings, rows } = fitTable(['CHECK', 'FIX'], [['clock', 'timedatectl set-ntp true']], 10);
    expect([headings, rows]).toEqual([['CHECK', 'FIX'], [['clock', 'timedatectl set-ntp true']]]);
  });

  it('is never wider than the terminal while something may be spared or shortened', () => {
    const rooms = fc.constantFrom(undefined, 'spare' as const, 'text' as const);
    const text = fc.string({ maxLength: 40, unit: 'grapheme' });
    const column = fc.tuple(rooms, fc.array(text, { minLength: 3, maxLength: 3 }));
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 20, max: 120 }),
        (made, width) => {
          const columns = made.map(([room], place): Column => (room === undefined ? `C${place}` : [`C${place}`, room]));
          const rows = [0, 1, 2].map((row) => made.map(([, cells]) => cells[row]!));
          const { headings, rows: shown } = fitTable(columns, rows, width);
          const wide = (place: number) => Math.max(...[headings, ...shown].map((row) => textWidth(row[place]!)));
          const total = headings.reduce((sum, _, place) => sum + wide(place) + 2, -2);
          const spared = made.some(([room], place) => room === 'spare' && headings.includes(`C${place}`));
          const long = headings.some((name, place) => made[Number(name.slice(1))]?.[0] === 'text' && wide(place) > 12);
          expect(total <= width || !(spared || long)).toBe(true);
        },
      ),
    );
  });
});
