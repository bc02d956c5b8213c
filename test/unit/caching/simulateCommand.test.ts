import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { registerSimulate } from '../../../cli/commands/simulate.ts';
import { readLines } from '../../../lib/adapters/files/lineFile.ts';

const GENAI = fileURLToPath(new URL('../../fixtures/traces/genai.csv.gz', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'strata-simulate-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function strata(...args: readonly string[]): Promise<string> {
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  registerSimulate(program);
  await program.parseAsync(['simulate', 'cache', ...args], { from: 'user' });
  return output;
}

describe('strata simulate cache', () => {
  it('prints one JSON object per policy and size, in that order', async () => {
    const output = await strata('--trace', GENAI, '--sizes', '0.05,2e10', '--policies', 'lru,belady,pfoo-l', '--json');
    const records = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map((record) => [record.policy, record.size])).toEqual(
      ['lru', 'belady', 'pfoo-l'].flatMap((policy) => [0.05, 2e10].map((size) => [policy, size])),
    );
    for (const record of records) {
      expect(record.schema).toBe('strata.simulate.cache/v1');
      for (const ratio of ['objectMissRatio', 'byteMissRatio', 'waitRatio']) {
        expect(record[ratio]).toBeGreaterThan(0);
        expect(record[ratio]).toBeLessThan(1);
      }
    }
    expect(records[1]).toMatchObject({ capacityBytes: 2e10 });
  });

  it('waits latency plus bytes over bandwidth for each miss', async () => {
    const path = join(folder, 'two.csv');
    writeFileSync(path, '0,a,100\n1,a,100\n2,b,300\n');
    const flags = ['--sizes', '1', '--policies', 'lru', '--miss-latency', '2', '--bandwidth', '100', '--json'];
    const record: unknown = JSON.parse(await strata('--trace', path, ...flags));
    expect(record).toMatchObject({ objectMissRatio: 2 / 3, byteMissRatio: 0.8, waitSeconds: 8, waitRatio: 8 / 11 });
  });

  it('writes the plot and a table for people', async () => {
    const plot = join(folder, 'curves.svg');
    const output = await strata('--trace', GENAI, '--policies', 'lru,sieve', '--plot', plot, '--objective', 'wait');
    expect(output.split('\n')[0]).toMatch(/^policy +size +object miss +byte miss +wait +wait ratio$/);
    expect(output.trim().split('\n')).toHaveLength(1 + 2 * 3);
    expect(readFileSync(plot, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });

  it.each([
    ['--policies', 'lru,nonsense', 'unknown policy nonsense'],
    ['--sizes', '0.1,-3', '"-3"'],
    ['--bandwidth', '0', 'a number above zero'],
    ['--objective', 'money', 'object, byte, wait'],
  ])('refuses %s %s as a usage error', async (flag, value, message) => {
    await expect(strata('--trace', GENAI, flag, value)).rejects.toThrow(message);
  });

  it('names the line that it cannot read', async () => {
    const path = join(folder, 'broken.csv');
    writeFileSync(path, 'time,id,size\n0,a,1\n1,b,big\n');
    await expect(strata('--trace', path)).rejects.toMatchObject({ code: 'bad-trace', message: /line 3/ });
  });
});

describe('a trace that is none', () => {
  it.each([
    ['no access', 'time,id,size\n', /no accesses/],
    [
      'a header without a size',
      'seq,id,weight\n0,a,1\n',
      /line 1: neither time,id,size.* nor a header with a size \(size, .*seq,id,weight/,
    ],
    ['something else', `${'\u0001,'.repeat(500)}\n`, /line 1: .{0,200}$/],
  ])('with %s is refused in a short line', async (_, text, message) => {
    const path = join(folder, 'none.csv');
    writeFileSync(path, text);
    await expect(strata('--trace', path)).rejects.toMatchObject({ code: 'bad-trace', message });
  });
});

describe('a plot that cannot be written', () => {
  it('is said after the results', async () => {
    await expect(
      strata('--trace', GENAI, '--policies', 'lru', '--plot', join(folder, 'absent', 'plot.svg')),
    ).rejects.toMatchObject({ code: 'bad-path' });
  });
});

describe('--store-every-miss', () => {
  it('changes nothing for a policy that never refuses, and costs one that does', async () => {
    const ratios = async (...flags: string[]): Promise<number[]> => {
      const output = await strata('--trace', GENAI, '--policies', 'lru,strata', '--sizes', '0.025', '--json', ...flags);
      return output
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { objectMissRatio: number }).objectMissRatio);
    };
    const [lru, strataRatio] = await ratios();
    const [storingLru, storingStrata] = await ratios('--store-every-miss');
    expect(storingLru).toBe(lru);
    expect(storingStrata).toBeGreaterThan(strataRatio ?? 1);
  });
});

describe('reading lines', () => {
  it('gives the same lines of a plain and a gzipped file, whatever the chunks, and reports progress to the end', async () => {
    const lines = Array.from({ length: 60_000 }, (_, row) => `${row},object-${row % 977},${row % 31}`);
    const plain = join(folder, 'lines.csv');
    const zipped = join(folder, 'lines.bin');
    writeFileSync(plain, lines.join('\n'));
    writeFileSync(zipped, gzipSync(`${lines.join('\n')}\n`));
    for (const path of [plain, zipped]) {
      const read: string[] = [];
      let last = 0;
      const onProgress = (done: number, total: number): void => {
        last = done / total;
      };
      for await (const part of readLines(path, onProgress)) read.push(...part);
      expect(read).toEqual(lines);
      expect(last).toBe(1);
    }
  });

  it('fails on a truncated gzip instead of ending early', async () => {
    const path = join(folder, 'cut.gz');
    const whole = gzipSync('0,a,1\n'.repeat(50_000));
    writeFileSync(path, whole.subarray(0, whole.length - 20));
    const readAll = async (): Promise<void> => {
      for await (const part of readLines(path)) expect(part.length).toBeGreaterThan(0);
    };
    await expect(readAll()).rejects.toMatchObject({ code: 'unreadable-file', message: /unexpected end of file/ });
  });
});
