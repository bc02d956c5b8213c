import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { judgeBytes, rulesOf, safetensorsFile, u32 } from './build.ts';

const u16 = (value: number): Buffer => u32(value).subarray(0, 2);
const HDF5 = Buffer.from('894844460d0a1a0a', 'hex');
const GLOBAL = Buffer.from("cposix\nsystem\n(S'id'\ntR.");

/** A stored zip; `claims` are what its end record says of the disk, the directory's offset and the comment. */
function zipFile(
  members: readonly (readonly [name: string, data: string | Buffer])[],
  claims: { disk?: number; shift?: number; comment?: number } = {},
): Buffer {
  const { disk = 0, shift = 0, comment = 0 } = claims;
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of members) {
    const data = Buffer.from(content);
    const common = [
      u16(0),
      u16(0),
      u32(0),
      u32(crc32(data)),
      u32(data.length),
      u32(data.length),
      u16(name.length),
      u16(0),
    ];
    const entry = Buffer.concat([u32(0x04034b50), u16(20), ...common, Buffer.from(name), data]);
    central.push(
      u32(0x02014b50),
      u16(20),
      u16(20),
      ...common,
      Buffer.alloc(10),
      u32(offset + shift),
      Buffer.from(name),
    );
    local.push(entry);
    offset += entry.length;
  }
  const directory = Buffer.concat(central);
  const count = u16(members.length);
  const end = [
    u32(0x06054b50),
    u16(disk),
    u16(0),
    count,
    count,
    u32(directory.length),
    u32(offset + shift),
    u16(comment),
  ];
  return Buffer.concat([...local, directory, ...end]);
}

/** A safetensors file whose one tensor holds the bytes, from `start` on. */
function tensorOf(data: Buffer, start = 128): Buffer {
  const header = JSON.stringify({ t: { dtype: 'U8', shape: [data.length], data_offsets: [0, data.length] } });
  return Buffer.concat([safetensorsFile(header.padEnd(start - 8)), data]);
}

/** A tar block; `checksum` spells the sum of the block as some reader would. */
function tarHeader(
  name: Buffer | string,
  size: number,
  type: string,
  checksum = (sum: number, _negatives: number) => `${sum.toString(8).padStart(6, '0')}\0 `,
): Buffer {
  const block = Buffer.alloc(512);
  Buffer.from(name).copy(block);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(checksum(sum, block.filter((byte) => byte >= 0x80).length), 148);
  return block;
}

const padded = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
const END = Buffer.alloc(1024);

describe('a zip at the end of another format', () => {
  const member = [['config.json', '{}']] as const;
  it.each([
    ['of a disk that Python does not ask for', zipFile(member, { disk: 7 })],
    ['at an offset that Python corrects', zipFile(member, { shift: 0x10_0000 })],
    ['with a comment that is longer than the file', zipFile(member, { comment: 0xffff })],
    ['before bytes that Python takes for its comment', Buffer.concat([zipFile(member, { comment: 0xffff }), END])],
  ])('%s is a second format', async (_, zip) => {
    expect(rulesOf(await judgeBytes(tensorOf(zip)))).toEqual(['polyglot.second-format']);
  });

  it('is none where only its mark stands', async () => {
    const mark = Buffer.concat([Buffer.alloc(64), u32(0x06054b50), Buffer.alloc(8), u32(32), u32(1 << 30), END]);
    expect((await judgeBytes(tensorOf(mark))).status).toBe('clean');
  });
});

describe('HDF5 behind a user block', () => {
  it.each([512, 1024, 32_768, 131_072])('of %i bytes is a second format', async (start) => {
    expect(rulesOf(await judgeBytes(tensorOf(Buffer.concat([HDF5, END]), start)))).toEqual(['polyglot.second-format']);
    const pickle = Buffer.concat([Buffer.from('\x80\x04B', 'latin1'), u32(start + 1), Buffer.alloc(start - 7), HDF5]);
    expect(rulesOf(await judgeBytes(Buffer.concat([pickle, Buffer.from('.')])))).toEqual(['polyglot.second-format']);
  });

  it('is no second format at another place, nor as a member of a tar', async () => {
    expect((await judgeBytes(tensorOf(Buffer.concat([HDF5, END]), 768))).status).toBe('clean');
    const tar = Buffer.concat([tarHeader('model.h5', 8, '0'), padded(HDF5), END]);
    expect(rulesOf(await judgeBytes(tar))).toEqual(['hdf5.malformed']);
  });
});

describe('a pickle that is a tar as well', () => {
  const pickled = (checksum: Parameters<typeof tarHeader>[3]) => {
    const name = Buffer.concat([Buffer.from('\x80\x04B', 'latin1'), u32(1_017)]);
    return Buffer.concat([tarHeader(name, 300, '0', checksum), Buffer.alloc(512), Buffer.from('.')]);
  };
  it('is malicious however its checksum is spelled', async () => {
    for (const checksum of [
      (sum: number) => `0o${sum.toString(8).padStart(5, '0')}\0`,
      (sum: number) => `0_${sum.toString(8).padStart(5, '0')}\0`,
      (sum: number, negatives: number) => `${(sum - 256 * negatives).toString(8).padStart(6, '0')}\0 `,
    ]) {
      expect(rulesOf(await judgeBytes(pickled(checksum)))).toContain('polyglot.second-format');
    }
  });

  it('is found behind more opcodes than are followed', async () => {
    const data = Buffer.concat([Buffer.alloc(0x4241 + 5 - 512 - 128), Buffer.from('N0'.repeat(110_000)), GLOBAL]);
    const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${data.length},), }`.padEnd(117);
    const npy = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${header}\n`), data]);
    const tar = Buffer.concat([tarHeader('BAB', npy.length, '0'), padded(npy), END]);
    expect(rulesOf(await judgeBytes(tar))).toContain('polyglot.second-format');
  });
});

describe('a tar that readers see differently', () => {
  it.each([
    ['a folder with data', tarHeader('folder', 512, '5'), Buffer.alloc(512)],
    ['a folder by its name', tarHeader('folder/', 512, '\0'), Buffer.alloc(512)],
    ['a path for all members', tarHeader('g', 15, 'g'), padded(Buffer.from('15 path=../../x\n'))],
    [
      'a path inside of a comment',
      tarHeader('x', 43, 'x'),
      padded(Buffer.from('22 comment=a\n9 path=b\n21 path=../../../evil\n')),
    ],
  ])('by %s is invalid', async (_, header, data) => {
    const tar = Buffer.concat([header, data, tarHeader('a.txt', 2, '0'), padded(Buffer.from('hi')), END]);
    expect(rulesOf(await judgeBytes(tar))).toContain('tar.malformed');
  });

  it('is clean with a comment for all members, as git writes it', async () => {
    const record = padded(Buffer.from('14 comment=ab\n'));
    const tar = Buffer.concat([
      tarHeader('pax_global_header', 14, 'g'),
      record,
      tarHeader('a.txt', 2, '0'),
      padded(Buffer.from('hi')),
      END,
    ]);
    expect(rulesOf(await judgeBytes(tar))).toEqual([]);
  });
});

describe('TorchScript', () => {
  const script = (line: string, more: readonly (readonly [string, string | Buffer])[] = []) =>
    zipFile([
      ['m/data.pkl', '\x80\x02}.'.replace('\x80', 'N0')],
      ['m/code/__torch__.py', `def forward(self, x: Tensor) -> Tensor:\n  ${line}\n  return x\n`],
      ['m/constants.pkl', Buffer.from('\x80\x02).', 'latin1')],
      ['m/version', '3\n'],
      ...more,
    ]);

  it.each([
    '(torch.save)(x, "f")',
    'f = torch.save',
    't = torch',
    'o = ops',
    'o = (ops.aten)',
    'torch.\\\nsave(x, "f")',
    '_0 = ("#", (torch. # a comment\n  save)(x, "f"))',
    'ops . evil . run(x)',
  ])('that reaches for files is not clean: %j', async (line) => {
    expect(rulesOf(await judgeBytes(script(line)))).toContain('torchscript.operator');
  });

  it('that names its own copy of a module of torchvision is not reported', async () => {
    const line = 'x = __torch__.torchvision.ops.misc.forward(x)';
    expect(rulesOf(await judgeBytes(script(line)))).not.toContain('torchscript.operator');
  });

  it('that adds is not reported, and its mobile code is read too', async () => {
    expect(rulesOf(await judgeBytes(script('x = torch.add(x, x)')))).not.toContain('torchscript.operator');
    const code = (name: string) => Buffer.from(`\x80\x02X\x0a\x00\x00\x00${name}q\x00.`, 'latin1');
    expect(rulesOf(await judgeBytes(script('', [['m/bytecode.pkl', code('aten::save')]])))).toContain(
      'torchscript.operator',
    );
    expect(rulesOf(await judgeBytes(script('', [['m/bytecode.pkl', code('aten::relu')]])))).not.toContain(
      'torchscript.operator',
    );
  });
});

describe('a protocol buffer that other loaders read', () => {
  const field = (number: number, data: Buffer) => Buffer.concat([Buffer.from([number * 8 + 2, data.length]), data]);
  const node = field(1, Buffer.concat([field(4, Buffer.from('Identity'))]));
  const model = (...fields: Buffer[]) =>
    Buffer.concat([Buffer.from([8, 7]), ...fields, field(7, node), field(8, Buffer.from([16, 13]))]);

  it('is clean ONNX with a producer', async () => {
    expect(
      rulesOf(await judgeBytes(model(field(2, Buffer.from('pytorch')), field(6, Buffer.from('two\nlines'))))),
    ).toEqual([]);
  });

  it('is no ONNX where a graph of TensorFlow stands for the producer, or a field of Core ML', async () => {
    const graph = field(2, field(1, field(2, Buffer.from('PyFunc'))));
    expect(rulesOf(await judgeBytes(model(field(2, graph))))).toEqual(['onnx.malformed']);
    expect(rulesOf(await judgeBytes(model(field(12, Buffer.from('custom')))))).toEqual(['onnx.malformed']);
  });

  it('is not clean where a part of it is compiled', async () => {
    const compiled = field(
      1,
      Buffer.concat([field(4, Buffer.from('EPContext')), field(7, Buffer.from('com.microsoft'))]),
    );
    expect(rulesOf(await judgeBytes(model(field(7, compiled))))).toEqual(['onnx.custom-operator']);
  });
});

describe('a text that holds or is code', () => {
  const pickle = Buffer.concat([Buffer.from('\x80\x02', 'latin1'), GLOBAL]).toString('base64');
  it.each([
    ['pickle.dangerous-call', JSON.stringify({ policy_class: { ':type:': 'type', ':serialized:': pickle } })],
    ['pickle.nested', JSON.stringify({ state: pickle })],
    ['text.unsafe-tag', 'A\n3\n262401\n197888\n5\nUTF-8\n'],
    ['text.unsafe-tag', 'RDA3\nA\n3\n262401\n197888\n5\nUTF-8\n'],
    ['text.unsafe-tag', 'node {\n  name: "n"\n  op: "PyFunc"\n}\n'],
    ['text.unsafe-tag', 'layer {\n  type: "Python"\n}\n'],
    ['text.unsafe-tag', '- class_name: Lambda\n'],
  ])('is not clean by %s: %s', async (rule, text) => {
    const verdict = await judgeBytes(Buffer.from(text));
    expect(verdict.status).not.toBe('clean');
    expect(rulesOf(verdict)).toContain(rule);
  });

  it.each([
    'node {\n  name: "n"\n  op: "MatMul"\n}\n',
    'layer {\n  type: "Convolution"\n}\n',
    JSON.stringify({ key: Buffer.from('\x80\x02}.', 'latin1').toString('base64').repeat(4) }),
  ])('is clean otherwise: %s', async (text) => {
    expect(rulesOf(await judgeBytes(Buffer.from(text)))).toEqual([]);
  });
});
