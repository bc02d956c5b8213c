import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type AccessBatch,
  DEFAULT_MISS_WAIT,
  missRatioPlot,
  type Objective,
  POLICY_NAMES,
  type PolicyResult,
  parseCacheSize,
  parsePolicySpec,
  pfooLowerBound,
  Simulation,
  TraceParser,
  TraceSurvey,
} from '../../../lib/caching/index.ts';
import { plainGdsfMisses, plainLruMisses } from './plainLoops.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const CUTS = ['genai.csv.gz', 'tencentBlock.ns3300.tsv.gz', 'cloudPhysicsIO.csv.gz'];
/** Sums of a few thousand doubles. */
const ROUNDING = 1e-9;
const SHARES = [0.01, 0.05, 0.1, 0.25];
/** For what learns, which computes as much as all others together. */
const FEW_SHARES = [0.05, 0.25];
/** Decides by what a miss costs, as `strata` does; all others hold the same for each objective. */
const BY_COST = ['gdsf-cost'];

function readCut(name: string): { batch: AccessBatch; survey: TraceSurvey } {
  const text = gunzipSync(readFileSync(new URL(`../../fixtures/traces/${name}`, import.meta.url))).toString('latin1');
  const batch = new TraceParser().parse(text.split('\n'));
  const survey = new TraceSurvey({ keepSequence: true });
  survey.feed(batch);
  return { batch, survey };
}

function simulate(
  { batch, survey }: { batch: AccessBatch; survey: TraceSurvey },
  policies: readonly string[],
  objective: Objective = 'object',
  shares: readonly number[] = SHARES,
): readonly PolicyResult[] {
  const simulation = new Simulation({
    policies: policies.map(parsePolicySpec),
    capacitiesBytes: shares.map((share) => Math.floor(share * survey.footprintBytes)),
    objective,
    wait: DEFAULT_MISS_WAIT,
    objects: survey.objects,
    seed: 1,
    nextUse: survey.sequence().nextUse,
  });
  simulation.feed(batch);
  return simulation.results();
}

describe.each(CUTS)('on the cut %s', (name) => {
  const cut = readCut(name);

  it('has the same LRU misses as a plain loop', () => {
    for (const result of simulate(cut, ['lru'])) {
      expect(result.objectMissRatio * cut.batch.length).toBeCloseTo(plainLruMisses(cut.batch, result.capacityBytes), 6);
    }
  });

  it('has the same GDSF misses as a plain loop', () => {
    for (const result of simulate(cut, ['gdsf'])) {
      expect(result.objectMissRatio * cut.batch.length).toBeCloseTo(
        plainGdsfMisses(cut.batch, result.capacityBytes),
        6,
      );
    }
  });

  it.each(['object', 'byte', 'wait'] as const)('has no policy below the PFOO-L bound for %s', (objective) => {
    const plain = POLICY_NAMES.filter((policy) => policy !== 'strata');
    const results =
      objective === 'wait'
        ? [...simulate(cut, plain, objective), ...simulate(cut, ['strata'], objective, FEW_SHARES)]
        : simulate(cut, BY_COST, objective);
    const capacitiesBytes = SHARES.map((share) => Math.floor(share * cut.survey.footprintBytes));
    const bound = pfooLowerBound(cut.survey.sequence(), { capacitiesBytes, wait: DEFAULT_MISS_WAIT });
    for (const result of results) {
      const least = bound[capacitiesBytes.indexOf(result.capacityBytes)]!;
      expect(result.objectMissRatio).toBeGreaterThanOrEqual(least.objectMissRatio - ROUNDING);
      expect(result.byteMissRatio).toBeGreaterThanOrEqual(least.byteMissRatio - ROUNDING);
      expect(result.waitRatio).toBeGreaterThanOrEqual(least.waitRatio - ROUNDING);
    }
  });

  it('gives the same results fed at once or in pieces', () => {
    const { batch, survey } = cut;
    const whole = simulate(cut, ['s3-fifo', 'lhd']);
    const simulation = new Simulation({
      policies: ['s3-fifo', 'lhd'].map(parsePolicySpec),
      capacitiesBytes: whole.slice(0, SHARES.length).map((result) => result.capacityBytes),
      objective: 'object',
      wait: DEFAULT_MISS_WAIT,
      objects: survey.objects,
      seed: 1,
    });
    for (let start = 0; start < batch.length; start += 999) {
      const end = Math.min(batch.length, start + 999);
      simulation.feed({
        length: end - start,
        object: batch.object.subarray(start, end),
        bytes: batch.bytes.subarray(start, end),
        group: batch.group.subarray(start, end),
      });
    }
    expect(simulation.results()).toEqual(whole);
  });
});

describe('the trace parser', () => {
  const parse = (text: string): AccessBatch => new TraceParser().parse(text.split('\n'));
  const rows = (batch: AccessBatch): number[][] =>
    Array.from({ length: batch.length }, (_, row) => [batch.object[row]!, batch.bytes[row]!, batch.group[row]!]);

  it('reads commas and tabs, with and without a group, without a header', () => {
    expect(rows(parse('1,a,10\n2,b,20\n3,a,10'))).toEqual([
      [0, 10, -1],
      [1, 20, -1],
      [0, 10, -1],
    ]);
    expect(rows(parse('1\ta\t10\tred\r\n2\tb\t20\t\r\n3\tb\t20\tred\r\n'))).toEqual([
      [0, 10, 0],
      [1, 20, -1],
      [1, 20, 0],
    ]);
  });

  it('finds columns by the names of a header in any order', () => {
    expect(rows(parse('group,size_kib,seq,id\nx,2,0,a'))).toEqual([[0, 2048, 0]]);
    expect(rows(parse('version,time,op,size,lbn\n1,5,2a,512,77'))).toEqual([[0, 512, -1]]);
  });

  it('numbers objects alike when the file is read again', () => {
    const parser = new TraceParser();
    const first = parser.parse(['time,id,size', '1,a,1', '2,b,1']);
    parser.rewind();
    expect(parser.parse(['time,id,size', '1,a,1', '2,b,1'])).toEqual(first);
  });

  it('keeps of a chunk of the file no more than the names in it', () => {
    const parser = new TraceParser();
    const chunkOf = (id: number): string => `${'1'.repeat(250_000)},${String(id).padStart(64, '0')},5`;
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let id = 0; id < 60; id += 1) parser.parse(chunkOf(id).split('\n'));
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5e6);
    expect(rows(parser.parse([chunkOf(60)]))).toEqual([[60, 5, -1]]);
  });

  it.each([
    ['1,a,ten', 'line 1'],
    ['1,a,1\n2,b,-5', 'line 2'],
    ['1,a,1\n2,b', 'line 2'],
    ['time,size\n1,5', 'no id column'],
  ])('refuses %j and names the place', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('the survey', () => {
  it('counts the largest size of each object into the footprint', () => {
    const survey = new TraceSurvey({ keepSequence: false });
    survey.feed(new TraceParser().parse(['0,a,10', '1,b,5', '2,a,30', '3,a,20']));
    expect([survey.objects, survey.accesses, survey.footprintBytes]).toEqual([2, 4, 35]);
  });
});

describe('names and sizes', () => {
  it('finds a policy whatever the case and punctuation of its name', () => {
    expect(['S3FIFO:0.25', 'BeladySize', 'w_tinylfu', 'LFU-DA'].map((name) => parsePolicySpec(name).name)).toEqual([
      's3-fifo:0.25',
      'belady-size',
      'w-tinylfu',
      'lfu-da',
    ]);
  });

  it.each(['nonsense', 'lru:0.5', 's3-fifo:0', 's3-fifo:1', 's3-fifo:x'])('refuses the policy %s', (name) => {
    expect(() => parsePolicySpec(name)).toThrow(name);
  });

  it('reads shares and bytes, and nothing else', () => {
    expect(['0.05', '1', '5000'].map((text) => parseCacheSize(text).bytesOf(1000))).toEqual([50, 1000, 5000]);
    for (const text of ['0', '-1', 'x', '', 'Infinity']) expect(() => parseCacheSize(text)).toThrow('size');
  });
});

describe('the plot', () => {
  it('draws one line per policy with a point per size, and escapes the title', () => {
    const result = { objectMissRatio: 0.5, byteMissRatio: 0.6, waitSeconds: 1, waitRatio: 0.7, bypasses: 0 };
    const svg = missRatioPlot(
      ['lru', 'gdsf'].flatMap((policy) => [10, 20].map((capacityBytes) => ({ policy, capacityBytes, ...result }))),
      { title: 'a < b', metric: 'byteMissRatio', footprintBytes: 100 },
    );
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(4);
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('byte miss ratio');
  });
});
