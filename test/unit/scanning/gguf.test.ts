import { describe, expect, it } from 'vitest';
import { judgeHeader } from '../../../lib/scanning/index.ts';
import { ggufEntry, ggufFile, ggufString, ggufTensor, judgeBytes, rulesOf, sparseReader, u32, u64 } from './build.ts';

const STRING = 8;
const ARRAY = 9;
const UINT32 = 4;
const F32 = 0;
const Q4_0 = 2;
const architecture = ggufEntry('general.architecture', STRING, ggufString('llama'));

describe('a well-formed GGUF file', () => {
  it('is clean, with its quantised tensors counted', async () => {
    const file = ggufFile({
      entries: [architecture, ggufEntry('general.license', STRING, ggufString('mit'))],
      tensors: [ggufTensor('token_embd.weight', [64, 2], Q4_0, 0), ggufTensor('output.weight', [8], F32, 96)],
      dataBytes: 128,
    });
    const verdict = await judgeBytes(file);
    expect(verdict).toMatchObject({ status: 'clean', format: 'gguf' });
    expect(verdict.analysis).toMatchObject({
      tensorCount: 2,
      parameters: 136,
      tensorBytes: 104,
      family: 'llama',
      kind: 'llm',
      licence: 'mit',
    });
  });

  it('may leave out the padding after its last tensor, and every tensor', async () => {
    const unpadded = ggufFile({ tensors: [ggufTensor('a', [2], F32, 0)], dataBytes: 8 });
    expect((await judgeBytes(unpadded)).status).toBe('clean');
    expect((await judgeBytes(ggufFile({ entries: [architecture] }))).status).toBe('clean');
  });

  it('may be big endian', async () => {
    const file = ggufFile({});
    for (const [at, width] of [
      [4, 4],
      [8, 8],
      [16, 8],
    ] as const)
      file.subarray(at, at + width).reverse();
    expect((await judgeBytes(file)).status).toBe('clean');
  });

  it('costs a few requests at 100 GB', async () => {
    const bytes = 1_000_000_000;
    const tensors = Array.from({ length: 100 }, (_, i) => ggufTensor(`blk.${i}.weight`, [bytes / 4], F32, i * bytes));
    const head = ggufFile({ entries: [architecture], tensors });
    const verdict = await judgeHeader(sparseReader(head, head.length + 100 * bytes));
    expect(verdict.status).toBe('clean');
    expect(verdict.bytesRead).toBeLessThanOrEqual(2_000_000);
    expect(verdict.requests).toBeLessThanOrEqual(4);
  });
});

describe('a malformed GGUF file is invalid', () => {
  const array = (type: number, count: number | bigint, body = Buffer.alloc(0)) =>
    ggufEntry('x', ARRAY, Buffer.concat([u32(type), u64(count), body]));
  const nested = Buffer.concat(Array.from({ length: 200 }, () => Buffer.concat([u32(ARRAY), u64(1)])));
  it.each<[string, Buffer]>([
    ['a truncated header', ggufFile({}).subarray(0, 20)],
    ['more tensors than bytes', ggufFile({ tensorCount: 2n ** 40n })],
    ['a tensor count that wraps', ggufFile({ tensorCount: 2n ** 64n - 1n })],
    ['more entries than bytes', ggufFile({ entryCount: 2n ** 62n })],
    ['a string longer than the file', ggufFile({ entries: [ggufEntry('x', STRING, u64(2n ** 63n))] })],
    ['an array longer than the file', ggufFile({ entries: [array(UINT32, 2n ** 62n)] })],
    ['an array of strings longer than the file', ggufFile({ entries: [array(STRING, 2n ** 40n)] })],
    ['arrays nested without end', ggufFile({ entries: [ggufEntry('x', ARRAY, nested)] })],
    ['an unknown value type', ggufFile({ entries: [ggufEntry('x', 99, u32(0))] })],
    ['a boolean that is neither', ggufFile({ entries: [ggufEntry('x', 7, Buffer.from([2]))] })],
    ['a duplicate key', ggufFile({ entries: [architecture, architecture] })],
    ['an alignment of zero', ggufFile({ entries: [ggufEntry('general.alignment', UINT32, u32(0))] })],
    ['an alignment that is no power of two', ggufFile({ entries: [ggufEntry('general.alignment', UINT32, u32(24))] })],
    ['five dimensions', ggufFile({ tensors: [ggufTensor('a', [1, 1, 1, 1, 1], F32, 0)], dataBytes: 4 })],
    [
      'dimensions whose product wraps to zero',
      ggufFile({ tensors: [ggufTensor('a', [2n ** 32n, 2n ** 32n], F32, 0)] }),
    ],
    ['a dimension that is negative as signed', ggufFile({ tensors: [ggufTensor('a', [2n ** 63n], F32, 0)] })],
    ['an unknown tensor type', ggufFile({ tensors: [ggufTensor('a', [1], 4, 0)], dataBytes: 4 })],
    ['rows that do not fill blocks', ggufFile({ tensors: [ggufTensor('a', [33], Q4_0, 0)], dataBytes: 64 })],
    ['a tensor beyond the end', ggufFile({ tensors: [ggufTensor('a', [64], F32, 0)], dataBytes: 32 })],
    ['a tensor that begins elsewhere', ggufFile({ tensors: [ggufTensor('a', [1], F32, 64)], dataBytes: 128 })],
    [
      'overlapping tensors',
      ggufFile({ tensors: [ggufTensor('a', [16], F32, 0), ggufTensor('b', [16], F32, 32)], dataBytes: 96 }),
    ],
    [
      'two tensors of one name',
      ggufFile({ tensors: [ggufTensor('a', [8], F32, 0), ggufTensor('a', [8], F32, 32)], dataBytes: 64 }),
    ],
    ['a name that ggml would cut', ggufFile({ tensors: [ggufTensor('a'.repeat(65), [8], F32, 0)], dataBytes: 32 })],
    ['trailing bytes', ggufFile({ tensors: [ggufTensor('a', [8], F32, 0)], dataBytes: 64 })],
  ])('%s', async (_name, file) => {
    const verdict = await judgeBytes(file);
    expect(verdict.status).toBe('invalid');
    expect(verdict.reasons[0]?.rule).toMatch(/^gguf\./);
  });

  it('but an unknown version is unscanned', async () => {
    expect(rulesOf(await judgeBytes(ggufFile({ version: 1 })))).toEqual(['gguf.version']);
    expect((await judgeBytes(ggufFile({ version: 4 }))).status).toBe('unscanned');
  });
});

describe('a chat template', () => {
  const judgeTemplate = (template: string, key = 'tokenizer.chat_template') =>
    judgeBytes(ggufFile({ entries: [ggufEntry(key, STRING, ggufString(template))] }));

  it.each([
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''['_' ~ '_class_' ~ '_'] }}",
    '{{ lipsum["os"] }}',
    "{{ ''|attr(['%c%c'|format(95,95),'class']|join) }}",
    "{% include '/etc/passwd' %}",
    '{{ self._TemplateReference__context }}',
    "{{ ''['%c%cclass%c%c' % (95, 95, 95, 95)] }}",
    "{% set u = 'a_b'[1] %}{{ cycler[u*2 ~ 'init' ~ u*2][u*2 ~ 'globals' ~ u*2].os }}",
    "{% set u = dict(a_b=1)|join %}{{ ''[u[1]*2 ~ 'class' ~ u[1]*2] }}",
    "{% set a = '_a'[0] %}{% set b = a ~ a %}{% for n in [b ~ 'class' ~ b] %}{{ ''[n] }}{% endfor %}",
    "{% macro get(x, k) %}{{ x[k] }}{% endmacro %}{{ get('', '{:c}'.format(95)*2 ~ 'class') }}",
    "{% set n %}{{ 'a_b'[1] }}{{ 'a_b'[1] }}class{% endset %}{{ [0]|map(attribute=n)|first }}",
    "{% set ns = namespace(k='a_b'[1]) %}{% set ns.k = ns.k ~ ns.k ~ 'mro' %}{{ ''[ns.k] }}",
    "{{ ([1]|map('int'))['gi_frame']['f_builtins']['eval']('1') }}",
    "{{ [messages]|map(attribute='gi_frame.f_builtins')|first }}",
    "{{ '{0.gi_frame}'.format(messages) }}",
    "{{ ''['__ssalc__'[::-1]] }}",
    "{{ ['x']|map('attr', 'a_b'[1]*2)|list }}",
    "{{ self['context'] }}",
    "{{ os['popen']('id') }}",
    "{{ exec('import os') }}",
    '{% debug %}',
    `{{ a${'['.repeat(60)}0${']'.repeat(60)} }}`,
  ])('that escapes is malicious: %s', async (template) => {
    expect(await judgeTemplate(template)).toMatchObject({
      status: 'malicious',
      reasons: [{ rule: 'template.escape' }],
    });
    expect((await judgeTemplate(template, 'tokenizer.chat_template.tool_use')).status).toBe('malicious');
  });

  it.each([
    "{% set ns = namespace(found=false) %}{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim }}{% endfor %}",
    "{{ bos_token }}{% if not loop.first %}{{ raise_exception('Roles must alternate') }}{% endif %}{{ tools | tojson(indent=4) }}<__media__>",
    "{%- macro render(x) -%}{{ strftime_now('%d %b %Y') }}{%- endmacro -%}{{ message.content.split('</think>')[-1].lstrip('\\n') }}",
    "{%- set keys = ['tool_name', 'tool_args'] -%}{%- for k in tool if k not in keys %}{{ tool[k] | tojson }}{% endfor -%}",
    "{%- set ns = namespace(i=0, text='<|tool_call|>') -%}{{ ns.text ~ message.tool_calls[ns.i] }}{%- set ns.i = ns.i + 1 -%}",
    "{{ messages[loop.index0 - 1]['role'] }}{{ messages[messages|selectattr('role', 'equalto', 'tool_x')|list|length - 1] }}",
    "{%- for m in messages %}{{ '\\n' ~ ('[e~[' ~ m.role ~ ']') }}{% endfor -%}]~b]",
    "{{ never.closed['a_b'[1] ",
  ])('of a published kind is clean: %s', async (template) => {
    expect((await judgeTemplate(template)).status).toBe('clean');
  });
});
