import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeHeader } from '../../../lib/scanning/index.ts';
import { judgeBytes, rulesOf, safetensorsFile, sparseReader } from './build.ts';

const tensor = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const header = (entries: object) => JSON.stringify(entries);

describe('a well-formed safetensors file', () => {
  it('is clean, with its tensors counted and its metadata kept', async () => {
    const file = safetensorsFile(
      header({
        __metadata__: { license: 'apache-2.0', format: 'pt' },
        a: tensor('F16', [2, 3], 0, 12),
        b: tensor('F32', [], 12, 16),
        empty: tensor('I64', [0, 4], 12, 12),
      }),
      16,
    );
    const verdict = await judgeBytes(file);
    expect(verdict).toMatchObject({ status: 'clean', format: 'safetensors', reasons: [] });
    expect(verdict.analysis).toMatchObject({ tensorCount: 3, parameters: 7, tensorBytes: 16, licence: 'apache-2.0' });
    expect(verdict.analysis?.dtypes).toEqual([
      { dtype: 'F16', bytes: 12, share: 0.75 },
      { dtype: 'F32', bytes: 4, share: 0.25 },
      { dtype: 'I64', bytes: 0, share: 0 },
    ]);
  });

  it.each([
    ['F4', [4], 2],
    ['F6_E2M3', [4], 3],
    ['F8_E4M3', [3], 3],
    ['F8_E8M0', [3], 3],
    ['C64', [2], 16],
    ['BOOL', [5], 5],
  ])('may hold %s', async (dtype, shape, bytes) => {
    const verdict = await judgeBytes(safetensorsFile(header({ t: tensor(dtype, shape, 0, bytes) }), bytes));
    expect(verdict.status).toBe('clean');
  });

  it('may pad its header with spaces', async () => {
    expect((await judgeBytes(safetensorsFile('{}      ', 0))).status).toBe('clean');
  });

  it('treats hostile tensor names as names', async () => {
    const text =
      '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}';
    const verdict = await judgeBytes(safetensorsFile(text, 2));
    expect(verdict).toMatchObject({ status: 'clean', analysis: { tensorCount: 2 } });
    expect(Object.prototype).not.toHaveProperty('dtype');
  });
});

describe('a malformed safetensors file is invalid', () => {
  const one = tensor('U8', [4], 0, 4);

  it.each([
    [3, '1 byte is missing'],
    [2, '2 bytes are missing'],
    [5, '1 byte follows'],
    [6, '2 bytes follow'],
  ])('with %i bytes of data for 4, and says so: %s', async (bytes, text) => {
    const { reasons } = await judgeBytes(safetensorsFile(header({ one }), bytes));
    expect(reasons.map((reason) => reason.text)).toEqual([`the tensors end at 4: ${text}`]);
  });
  it.each<[string, Buffer]>([
    ['a header longer than the file', safetensorsFile(header({ a: one }), 4, 10_000)],
    ['a header length beyond the limit', safetensorsFile(header({ a: one }), 4, 100_000_001)],
    ['a header that is cut inside the JSON', safetensorsFile(header({ a: one }), 4, 20)],
    ['a missing tail', safetensorsFile(header({ a: one }), 3)],
    ['trailing bytes', safetensorsFile(header({ a: one }), 5)],
    ['a hole', safetensorsFile(header({ a: one, b: tensor('U8', [2], 5, 7) }), 7)],
    ['an overlap', safetensorsFile(header({ a: one, b: tensor('U8', [4], 2, 6) }), 6)],
    ['two tensors on the same bytes', safetensorsFile(header({ a: one, b: one }), 4)],
    ['a size that contradicts the shape', safetensorsFile(header({ a: tensor('F16', [4], 0, 4) }), 4)],
    ['a shape whose product overflows', safetensorsFile(header({ a: tensor('U8', [2 ** 40, 2 ** 40], 0, 4) }), 4)],
    ['a negative size', safetensorsFile(header({ a: tensor('U8', [-4], 0, 4) }), 4)],
    ['an unknown dtype', safetensorsFile(header({ a: tensor('F128', [4], 0, 4) }), 4)],
    ['half a byte', safetensorsFile(header({ a: tensor('F4', [3], 0, 2) }), 2)],
    ['offsets that run backwards', safetensorsFile(header({ a: tensor('U8', [0], 4, 0) }), 4)],
    ['a third offset', safetensorsFile('{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}}', 4)],
    ['an extra field', safetensorsFile(header({ a: { ...one, path: '/etc/passwd' } }), 4)],
    [
      'a duplicate tensor',
      safetensorsFile(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
    ],
    ['a duplicate key behind an escape', safetensorsFile('{"__metadata__":{"a":"x","\\u0061":"y"}}')],
    ['metadata that is not text', safetensorsFile('{"__metadata__":{"a":1}}')],
    [
      'an offset that a double cannot hold',
      safetensorsFile('{"a":{"dtype":"U8","shape":[4],"data_offsets":[9007199254740993,9007199254740997]}}', 4),
    ],
    ['an offset with a point', safetensorsFile('{"a":{"dtype":"U8","shape":[4],"data_offsets":[0.0,4]}}', 4)],
    ['an offset with an exponent', safetensorsFile('{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4e0]}}', 4)],
    ['a control character in a name', safetensorsFile('{"a\n":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4)],
    ['deep nesting', safetensorsFile(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
    ['text after the header object', safetensorsFile('{} {}')],
    ['bytes that are not UTF-8', Buffer.concat([safetensorsFile('{"__"', 0, 8), Buffer.from([0xff, 0xfe, 0x7d])])],
  ])('%s', async (_name, file) => {
    const verdict = await judgeBytes(file);
    expect(verdict.status).toBe('invalid');
    expect(verdict.analysis).toBeUndefined();
    expect(verdict.reasons[0]?.rule).toMatch(/^safetensors\./);
  });
});

describe('the cost of a safetensors verdict', () => {
  it('is at most 2 MB and 4 requests for 100 GB', async () => {
    const count = 5_000;
    const bytes = 20_000_000;
    const entries = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `model.layers.${i}.weight`,
        tensor('BF16', [bytes / 2], i * bytes, (i + 1) * bytes),
      ]),
    );
    const head = safetensorsFile(header(entries));
    const verdict = await judgeHeader(sparseReader(head, head.length + count * bytes));
    expect(verdict).toMatchObject({ status: 'clean', analysis: { tensorBytes: 1e11 } });
    expect(verdict.bytesRead).toBeLessThanOrEqual(2_000_000);
    expect(verdict.requests).toBeLessThanOrEqual(4);
  });

  it('is unscanned, not clean, where the budget ends before the header', async () => {
    const file = safetensorsFile(`{}${' '.repeat(200_000)}`);
    const verdict = await judgeHeader(sparseReader(file, file.length), { maxBytes: 100_000 });
    expect(verdict.status).toBe('unscanned');
    expect(rulesOf(verdict)).toEqual(['file.budget']);
  });
});

describe('a header whose length begins like another format', () => {
  it.each([
    ['a pickle of protocol 0', 0x80],
    ['a pickle of protocol 2', 0x280],
    ['an MS-DOS program', 0x5a4d],
    ['a zlib stream', 0x9c78],
  ])('is read as safetensors and not as %s', async (_name, length) => {
    const verdict = await judgeBytes(safetensorsFile(header({ w: tensor('U8', [4], 0, 4) }).padEnd(length, ' '), 4));
    expect(verdict).toMatchObject({ status: 'clean', format: 'safetensors' });
  });
});

describe('any bytes after a plausible length', () => {
  it('give a verdict and never an exception', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 4 }), fc.nat({ max: 64 }), async (json, data) => {
        const verdict = await judgeBytes(safetensorsFile(`{"a":${json}}`, data));
        expect(['clean', 'invalid']).toContain(verdict.status);
      }),
    );
  });
});
