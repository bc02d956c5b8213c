import { formatCount } from '../../shared/formatCount.ts';
import type { Inspection } from '../inspection.ts';
import type { Field, ProtobufReader } from './protobuf.ts';

const MAX_NAME = 64 * 1024;
const MAX_RANK = 64;
/** Loaders of before 1.21 set each entry as an attribute of an object. ONNX Runtime adds the numbered ones. */
const EXTERNAL_KEY = /^(?:location|offset|length|checksum|basepath|prepacked_[0-9]+)$/;

/** Name and bits per element by TensorProto.DataType; 8 is text. */
const DTYPES: ReadonlyMap<number, readonly [name: string, bits: number]> = new Map([
  [1, ['FLOAT', 32]],
  [2, ['UINT8', 8]],
  [3, ['INT8', 8]],
  [4, ['UINT16', 16]],
  [5, ['INT16', 16]],
  [6, ['INT32', 32]],
  [7, ['INT64', 64]],
  [8, ['STRING', 0]],
  [9, ['BOOL', 8]],
  [10, ['FLOAT16', 16]],
  [11, ['DOUBLE', 64]],
  [12, ['UINT32', 32]],
  [13, ['UINT64', 64]],
  [14, ['COMPLEX64', 64]],
  [15, ['COMPLEX128', 128]],
  [16, ['BFLOAT16', 16]],
  [17, ['FLOAT8E4M3FN', 8]],
  [18, ['FLOAT8E4M3FNUZ', 8]],
  [19, ['FLOAT8E5M2', 8]],
  [20, ['FLOAT8E5M2FNUZ', 8]],
  [21, ['UINT4', 4]],
  [22, ['INT4', 4]],
  [23, ['FLOAT4E2M1', 4]],
  [24, ['FLOAT8E8M0', 8]],
  [25, ['UINT2', 2]],
  [26, ['INT2', 2]],
]);

interface Tensor {
  name: string;
  dims: bigint[];
  dtype: number;
  rawBytes: number | undefined;
  readonly external: Map<string, string>;
}

/** Reads TensorProto messages: their claims against their data, and where external data would be opened. */
export class OnnxTensors {
  readonly #proto: ProtobufReader;
  readonly #inspection: Inspection;

  constructor(proto: ProtobufReader, inspection: Inspection) {
    this.#proto = proto;
    this.#inspection = inspection;
  }

  /** `counted` tensors are weights of the model; others are constants of its nodes. */
  async read(field: Field, counted: boolean): Promise<void> {
    if (field.wire !== 'bytes') throw this.#proto.refuse('a tensor that is no message');
    const tensor: Tensor = { name: '', dims: [], dtype: 0, rawBytes: undefined, external: new Map() };
    await this.#proto.fields(field.start + field.length, (inner) => this.#field(inner, tensor));
    const [dtype, bits] = DTYPES.get(tensor.dtype) ?? [];
    const elements = tensor.dims.reduce((product, size) => product * size, 1n);
    const bytes = (elements * BigInt(bits ?? 0) + 7n) / 8n;
    const refuse = (text: string) =>
      this.#inspection.report('onnx.tensor', `tensor ${tensor.name}: ${text}`, field.start);
    if (dtype === undefined) refuse(`unknown data type ${tensor.dtype}`);
    // Sizes are signed: a negative one arrives as a number of 64 bits.
    else if (tensor.dims.some((size) => size >= 1n << 63n) || bytes > BigInt(Number.MAX_SAFE_INTEGER))
      refuse('its size overflows');
    else if (tensor.rawBytes !== undefined && tensor.rawBytes > 0 && BigInt(tensor.rawBytes) !== bytes) {
      refuse(`${formatCount(tensor.rawBytes, 'byte')} of data for ${bytes}`);
    } else if (counted) {
      const shape = tensor.dims.map(Number);
      this.#inspection.addTensor({ name: tensor.name, dtype, shape, bytes: Number(bytes) });
    }
    this.#checkExternal(tensor, field.start);
  }

  async #field(field: Field, tensor: Tensor): Promise<void> {
    if (field.number === 1) tensor.dims.push(...(await this.#proto.numbers(field, MAX_RANK)));
    else if (field.number === 2) tensor.dtype = Number(field.value);
    else if (field.number === 8) tensor.name = ((await this.#proto.text(field, MAX_NAME)) ?? '?').slice(0, 512);
    else if (field.number === 9) tensor.rawBytes = field.length;
    else if (field.number === 13) await this.#externalEntry(field, tensor.external);
    if (tensor.dims.length > MAX_RANK) throw this.#proto.refuse(`more than ${MAX_RANK} dimensions`);
  }

  async #externalEntry(field: Field, external: Map<string, string>): Promise<void> {
    if (field.wire !== 'bytes') throw this.#proto.refuse('external data that is no message');
    let key = '';
    let value = '';
    await this.#proto.fields(field.start + field.length, async (inner) => {
      if (inner.number === 1) key = (await this.#proto.text(inner, MAX_NAME)) ?? '?';
      if (inner.number === 2) value = (await this.#proto.text(inner, MAX_NAME)) ?? '\0';
    });
    // Of two locations a reader may take either: the one that leaves the folder counts.
    const before = external.get(key);
    external.set(key, before !== undefined && leavesFolder(before) ? before : value);
  }

  #checkExternal({ name, external }: Tensor, at: number): void {
    const location = external.get('location');
    if (location !== undefined && leavesFolder(location)) {
      this.#inspection.report(
        'onnx.external-path',
        `tensor ${name} would be read from ${JSON.stringify(location)}`,
        at,
      );
    }
    for (const key of ['offset', 'length']) {
      const value = external.get(key);
      if (value !== undefined && !/^[0-9]{1,15}$/.test(value)) {
        this.#inspection.report('onnx.tensor', `tensor ${name}: external ${key} ${JSON.stringify(value)}`, at);
      }
    }
    for (const key of external.keys()) {
      if (!EXTERNAL_KEY.test(key))
        this.#inspection.report('onnx.tensor', `tensor ${name}: an external entry ${JSON.stringify(key)}`, at);
    }
    if (external.has('basepath')) this.#inspection.report('onnx.external-path', `tensor ${name} names a base path`, at);
  }
}

/** Whether a location is anything but a name in the model's folder or below it, on any system. */
function leavesFolder(location: string): boolean {
  const segments = location.split('/');
  return location === '' || segments[0] === '' || segments.includes('..') || /^~|[\\:%?*|<>"]|\p{Cc}/u.test(location);
}
