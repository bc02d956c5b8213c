import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { judgeBytes, rulesOf, u32, u64 } from './build.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const short = (text: string) => `\x8c${String.fromCharCode(text.length)}${text}`;
const inBytes = (text: string) => `C${String.fromCharCode(text.length)}${text}`;
const EMPTY = 'ccollections\nOrderedDict\n)R';
const PLANT = 'U\x0c__setstate__';
const SYSTEM = latin1(`\x80\x04cos\nsystem\n(${short('id')}tR.`);

describe('a harmless pickle is clean', () => {
  it.each<[string, string]>([
    ['a dictionary of numbers and texts', '\x80\x02}(X\x01\0\0\0aK\x01X\x01\0\0\0bG?\xf0\0\0\0\0\0\0u.'],
    ['an ordered dictionary with a state', '\x80\x02ccollections\nOrderedDict\n)R}X\x01\0\0\0aK\x01sb.'],
    [
      'a numpy array',
      '\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR(K\x01K\x01\x85cnumpy\ndtype\n(X\x02\0\0\0f8K\0K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89U\x08\0\0\0\0\0\0\0\0tb.',
    ],
    [
      'an estimator of scikit-learn',
      '\x80\x04csklearn.linear_model._base\nLinearRegression\n)\x81}\x8c\x0dfit_interceptK\x01sb.',
    ],
    ['protocol 0', "(dp0\nS'a'\np1\nI1\ns."],
    ['several pickles in a row', '\x80\x02N.\x80\x02K\x01.'],
    ['bytes that look like opcodes of another pickle', '\x80\x04C\x08cos\nnope.'],
    ['data spelled in base64', `\x80\x04${short(Buffer.from('\x80\x04]K\x01a.', 'latin1').toString('base64'))}.`],
    ['frames one after the other', `\x80\x04\x95\x02${'\0'.repeat(7)}N0\x95\x02${'\0'.repeat(7)}N.`],
    ['an annotation', '\x80\x02c_operator\ngetitem\nctyping\nUnion\ncbuiltins\nint\nN\x86\x86R.'],
    ['a dictionary of lists', '\x80\x02ccollections\ndefaultdict\ncbuiltins\nlist\n\x85R.'],
    [
      'a partial application of a layer',
      '\x80\x02cfunctools\npartial\nctorch.nn.modules.normalization\nLayerNorm\n\x85R.',
    ],
    ['a layer of a known library', '\x80\x02ctimm.layers.mlp\nMlp\n)\x81}b.'],
    ['a fraction', '\x80\x02cfractions\nFraction\nU\x031/3\x85R.'],
  ])('%s', async (_name, text) => {
    expect(await judgeBytes(latin1(text))).toMatchObject({ status: 'clean', format: 'pickle' });
  });
});

describe('a pickle that runs code is malicious', () => {
  it.each<[string, string]>([
    ['GLOBAL and REDUCE', SYSTEM.toString('latin1')],
    ['STACK_GLOBAL', `\x80\x04${short('os')}${short('system')}\x93(${short('id')}tR.`],
    ['names from the memo', `\x80\x04${short('os')}\x940${short('system')}\x940h\x00h\x01\x93(${short('id')}tR.`],
    ['names behind escapes', '\x80\x02V\\u006f\\u0073\nVsyste\\u006d\n\x93(U\x02idtR.'],
    ['quoted names with octal escapes', "S'\\157s'\nS'system'\n\x93(S'id'\ntR."],
    ['names that a call computes', `\x80\x04cbuiltins\nstr\n(${short('os')}tR${short('system')}\x93.`],
    ['INST', "(S'id'\nios\nsystem\n."],
    ['OBJ', "(cos\nsystem\nS'id'\no."],
    ['NEWOBJ', '\x80\x02csubprocess\nPopen\n(U\x02idt\x81.'],
    ['NEWOBJ_EX', `\x80\x04${short('subprocess')}${short('Popen')}\x93(${short('id')}t}\x92.`],
    ['a callable taken from the memo', '\x80\x02cos\nsystem\nq\x000](h\x00(U\x02idtRe.'],
    ['a result that is thrown away', `\x80\x04cos\nsystem\n(${short('id')}tR0N.`],
    ['a stream that ends after the call', SYSTEM.subarray(0, -1).toString('latin1')],
    ['a stream that breaks after the call', `${SYSTEM.subarray(0, -1).toString('latin1')}\xff`],
    ['a second pickle behind a harmless one', `\x80\x02N.${SYSTEM.toString('latin1')}`],
    ['a frame that ends inside of a name', `\x80\x04\x95\x03${'\0'.repeat(7)}${short('os')}${short('system')}\x93)R.`],
    ['BUILD on a class itself', '\x80\x02ctorch.nn.modules.linear\nLinear\n}U\x07forwardcbuiltins\nset\nsb.'],
    ['a state that plants a method', '\x80\x02ccollections\nOrderedDict\n)R}U\x0c__setstate__cbuiltins\nset\nsb.'],
    ['an allow-listed importer', `\x80\x04cnumpy.core\n_ufunc_reconstruct\n(${short('os')}${short('system')}tR.`],
    [
      'an allow-listed loader as a factory',
      '\x80\x02ccollections\ndefaultdict\n(ctorch.storage\n_load_from_bytes\ntR.',
    ],
    ['a pickle inside of bytes', `\x80\x04C${String.fromCharCode(SYSTEM.length)}${SYSTEM.toString('latin1')}.`],
    ['a memo index that takes gigabytes', '\x80\x02Nr\xff\xff\xff\x7f.'],
    ['protocol 0 without any mark', "cos\nsystem\n(S'id'\ntR."],
    [
      'an operand that reaches over the end of its frame',
      `\x80\x05(\x95\x02${'\0'.repeat(7)}B\x10\0\0\0${'N'.repeat(16)}1N.`,
    ],
    ['a frame inside of a frame', `\x80\x04\x95\x0d${'\0'.repeat(7)}N0\x95\x02${'\0'.repeat(7)}N.`],
    ['a frame longer than its pickle', `\x80\x04\x95\x04${'\0'.repeat(7)}N.N.`],
    ['a pickle spelled in base64', `\x80\x04${short(SYSTEM.toString('base64'))}.`],
    ['a pickle spelled in hexadecimal', `\x80\x04${short(SYSTEM.toString('hex'))}.`],
    ['a pickle spelled in base64 in protocol 0', `S'${SYSTEM.toString('base64')}'\n.`],
    ['a pickle in a pickle in bytes', `\x80\x04${inBytes(`\x80\x04${inBytes(SYSTEM.toString('latin1'))}.`)}.`],
    ['a fraction of as many digits as its exponent', `\x80\x04cfractions\nFraction\n${short('1e99999999')}\x85R.`],
    ['a list of the length of a range', '\x80\x02carray\narray\n(U\x01bcbuiltins\nrange\nJ\xff\xff\xff\x7f\x85RtR.'],
    [
      'a dtype that denies the objects in it',
      '\x80\x02cnumpy\ndtype\n(U\x02V8K\0K\x01tR(K\x03U\x01|N(U\x01xt}U\x01xcnumpy\ndtype\n(U\x01OK\0K\x01tRK\0\x86sK\x08K\x01K\0tb.',
    ],
    ['a method planted by an ordered dictionary', `${EMPTY}${EMPTY}(${PLANT}cbuiltins\nset\nub.`],
    [
      'a method planted by a dictionary from a call',
      `${EMPTY}ccollections\nOrderedDict\n(](](${PLANT}cbuiltins\nset\neetRb.`,
    ],
    ['a method planted under a computed name', `${EMPTY}}cbuiltins\nstr\n${PLANT}\x85Rcbuiltins\nset\nsb.`],
    ['a method planted by an argument', `ctypes\nSimpleNamespace\n}${PLANT}cbuiltins\nset\ns\x85R.`],
    [
      'a factory that makes no container',
      '\x80\x02ccollections\ndefaultdict\nctransformers.training_args\nTrainingArguments\n\x85R.',
    ],
    ['an item of what is no annotation', '\x80\x02c_operator\ngetitem\nccollections\nOrderedDict\nU\x01a\x86R.'],
  ])('%s', async (_name, text) => {
    expect((await judgeBytes(latin1(text))).status).toBe('malicious');
  });

  it('is told with what it would call', async () => {
    const verdict = await judgeBytes(SYSTEM);
    expect(verdict.reasons.map(({ text }) => text)).toContain('calls os.system("id")');
    expect(verdict.reasons[0]?.fix).toMatch(/safetensors/);
  });

  it('also where an archive or a stream holds it', async () => {
    expect(await judgeBytes(gzipSync(SYSTEM))).toMatchObject({ status: 'malicious', format: 'compressed' });
    expect(await judgeBytes(zip([['archive/data.pkl', SYSTEM]]))).toMatchObject({
      status: 'malicious',
      format: 'torch-zip',
    });
    expect(await judgeBytes(zip([['archive/data.pkl', SYSTEM]], true))).toMatchObject({ status: 'malicious' });
  });
});

describe('a pickle that nobody vouches for is never clean', () => {
  it.each<[string, string, string]>([
    ['an unknown class', '\x80\x02cmymodel\nNet\n)\x81.', 'pickle.unknown-import'],
    ['a constructor of a known library', '\x80\x02ctorchmetrics.multimodal\nCLIPScore\n)R.', 'pickle.unknown-call'],
    [
      'a partial application of a model',
      '\x80\x02cfunctools\npartial\nctimm.models.resnet\nResNet\n\x85R.',
      'pickle.unknown-call',
    ],
    [
      'a dotted name below a listed module',
      `\x80\x04${short('collections')}${short('OrderedDict.fromkeys')}\x93.`,
      'pickle.unknown-import',
    ],
    ['an extension code', '\x80\x02\x82\x01)R.', 'pickle.extension'],
    ['a persistent id outside of torch', '\x80\x02U\x02idQ.', 'pickle.persistent-id'],
    ['an item set on something else', '\x80\x02ctorch\nSize\n)RK\x00K\x01s.', 'pickle.misuse'],
    ['values left behind', '\x80\x02NN.', 'pickle.misuse'],
    ['bytes behind the last pickle', '\x80\x02N.\xff', 'pickle.trailing'],
    ['a missing STOP', '\x80\x02N', 'pickle.malformed'],
    ['an unknown protocol', '\x80\x02\x80\x06N.', 'pickle.malformed'],
    ['a length beyond the file', '\x80\x04\x8e\xff\xff\xff\xff\xff\0\0\0.', 'pickle.malformed'],
  ])('%s', async (_name, text, rule) => {
    const verdict = await judgeBytes(latin1(text));
    expect(verdict.status).not.toBe('clean');
    expect(rulesOf(verdict)).toContain(rule);
  });
});

describe('behind hundreds of thousands of memo entries', () => {
  const padding = `\x80\x04${'N\x940'.repeat(200_001)}`;
  it.each<[string, string]>([
    [
      'a state that plants a method',
      `N}${short('__setstate__')}cbuiltins\nset\ns\x86\x940ccollections\nOrderedDict\n)Rj\x41\x0d\x03\x00b.`,
    ],
    ['a call', `${short('id')}\x85\x940cos\nsystem\nj\x41\x0d\x03\x00R.`],
    ['a name with digits', `${short('os2')}\x940j\x41\x0d\x03\x00${short('x')}\x93.`],
  ])('%s is not clean', async (_name, text) => {
    expect((await judgeBytes(latin1(padding + text))).status).not.toBe('clean');
  });

  it('plain data are clean', async () => {
    expect((await judgeBytes(latin1(`${padding}K\x01\x85\x940j\x41\x0d\x03\x00.`))).status).toBe('clean');
  });
});

describe('a structure that unfolds without end', () => {
  it('is a bomb', async () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) => `](${`h${String.fromCharCode(i)}`.repeat(10)}eq${String.fromCharCode(i + 1)}`,
    );
    const verdict = await judgeBytes(latin1(`\x80\x02]q\x00${levels.join('')}.`));
    expect(rulesOf(verdict)).toContain('pickle.bomb');
  });
});

/** A zip as Python writes it; `raw` may replace the local header of the first entry. */
function zip(members: [string, Buffer][], deflate = false, patch: (file: Buffer) => Buffer = (file) => file): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  const known = new Map<Buffer, { readonly data: Buffer; readonly sum: number }>();
  let offset = 0;
  for (const [name, content] of members) {
    const { data, sum } = known.get(content) ?? {
      data: deflate ? deflateRawSync(content) : content,
      sum: crc32(content),
    };
    known.set(content, { data, sum });
    const common = Buffer.concat([
      Buffer.from([20, 0, 0, 0, deflate ? 8 : 0, 0, 0, 0, 0x21, 0x50]),
      u32(sum),
      u32(data.length),
      u32(content.length),
      Buffer.from([name.length, 0, 0, 0]),
    ]);
    locals.push(Buffer.concat([latin1('PK\x03\x04'), common, latin1(name), data]));
    directory.push(Buffer.concat([latin1('PK\x01\x02\x14\0'), common, Buffer.alloc(10), u32(offset), latin1(name)]));
    offset += locals.at(-1)!.length;
  }
  const end = Buffer.concat([
    latin1('PK\x05\x06\0\0\0\0'),
    Buffer.from([members.length, 0, members.length, 0]),
    u32(Buffer.concat(directory).length),
    u32(offset),
    Buffer.alloc(2),
  ]);
  return patch(Buffer.concat([...locals, ...directory, end]));
}

describe('a zip', () => {
  const safe: [string, Buffer][] = [
    ['archive/data.pkl', latin1('\x80\x02}.')],
    ['archive/version', latin1('3\n')],
  ];
  const with_ = (...more: [string, Buffer][]) => zip([...safe, ...more]);

  it('as torch writes it is clean', async () => {
    expect(await judgeBytes(zip(safe))).toMatchObject({ status: 'clean', format: 'torch-zip' });
    expect(await judgeBytes(zip(safe, true))).toMatchObject({ status: 'clean', format: 'torch-zip' });
  });

  it('whose members together unfold to far more than it holds is a bomb, however small each is', async () => {
    const zeros = Buffer.alloc(32 * 1024 * 1024);
    const storages = (count: number) =>
      Array.from({ length: count }, (_, at): [string, Buffer] => [`archive/data/${at}`, zeros]);
    expect((await judgeBytes(zip([...safe, ...storages(4)], true))).status).toBe('clean');
    const verdict = await judgeBytes(zip([...safe, ...storages(130)], true));
    expect([verdict.status, rulesOf(verdict)]).toEqual(['malicious', ['archive.bomb']]);
  });

  it.each<[string, Buffer, string]>([
    ['bytes before the first entry', Buffer.concat([latin1('PK\x03\x04junk'), zip(safe)]), 'zip.ambiguous'],
    ['bytes after the end', Buffer.concat([zip(safe), latin1('x')]), 'zip.ambiguous'],
    ['two ends', Buffer.concat([zip(safe), zip(safe)]), 'zip.ambiguous'],
    [
      'two names for one entry',
      zip(safe, false, (file) => patched(file, 'archive/data.pkl', 'archive/evil.pkl')),
      'zip.mismatch',
    ],
    ['two entries of one name', with_(safe[0]!), 'zip.duplicate'],
    ['two entries that a file system may confuse', with_(['archive/DATA.pkl', latin1('N.')]), 'zip.duplicate'],
    ['an entry that leaves the archive', with_(['archive/../../x', latin1('x')]), 'archive.path'],
    ['a second folder for torch to choose', with_(['other/data.pkl', SYSTEM]), 'zip.ambiguous'],
    ['another checksum', zip(safe, false, (file) => patched(file, '\x80\x02}.', '\x80\x02].')), 'zip.crc'],
    ['an encrypted entry', zip(safe, false, flagged(1)), 'zip.encrypted'],
    ['a flag that readers take differently', zip(safe, false, flagged(0x20)), 'zip.mismatch'],
    ['a pickle that is named like a storage', with_(['archive/data/0', SYSTEM]), 'pickle.nested'],
    ['a pickle under any other name', with_(['archive/notes.txt', SYSTEM]), 'pickle.dangerous-call'],
    ['a zip inside', with_(['archive/more', zip([['x', SYSTEM]])]), 'pickle.dangerous-call'],
  ])('with %s is not clean', async (_name, file, rule) => {
    const verdict = await judgeBytes(file);
    expect(verdict.status).not.toBe('clean');
    expect(rulesOf(verdict)).toContain(rule);
  });

  it('at the end of another format is found', async () => {
    const data = zip([['archive/data.pkl', SYSTEM]]);
    const header = latin1(JSON.stringify({ a: { dtype: 'U8', shape: [data.length], data_offsets: [0, data.length] } }));
    const verdict = await judgeBytes(Buffer.concat([u64(header.length), header, data]));
    expect(rulesOf(verdict)).toContain('polyglot.second-format');
  });
});

function patched(file: Buffer, from: string, to: string): Buffer {
  const out = Buffer.from(file);
  out.write(to, out.indexOf(from, 0, 'latin1'), 'latin1');
  return out;
}

function flagged(bits: number): (file: Buffer) => Buffer {
  return (file) => {
    const out = Buffer.from(file);
    out.writeUInt16LE(bits, out.indexOf('PK\x03\x04') + 6);
    out.writeUInt16LE(bits, out.indexOf('PK\x01\x02') + 8);
    return out;
  };
}
