import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import type { RangedReader } from '../rangedReader.ts';
import { judgeMetadata } from './metadataRules.ts';
import { walkShapes } from './onnxShapes.ts';
import { OnnxTensors } from './onnxTensors.ts';
import { type Field, ProtobufReader } from './protobuf.ts';

const MAX_NAME = 64 * 1024;
const MAX_DEPTH = 32;
const MAX_METADATA = 1024 * 1024;

/** Domains of the standard, of ONNX Runtime's built-in kernels, and of the libraries that PyTorch's exporter writes into the model. */
const KNOWN_DOMAIN =
  /^(?:|ai\.onnx(?:\.ml|\.training|\.preview|\.preview\.training)?|com\.microsoft(?:\.nchwc|\.experimental)?|org\.pytorch\.aten)$/;
/** Operators of known domains that run Python. */
const PYTHON_OPERATOR = /^Py(?:thon)?(?:Op|Func|Custom)/;

/** Compiled for one device, in the file or beside it, and loaded by the driver. */
const COMPILED_OPERATOR = /^EPContext$/;
/** Producer, its version, domain and documentation. */
const TEXT_FIELDS = new Set([2, 3, 4, 6]);

/** `ir_version`, the first field as every writer puts it: a tag of 8 and a small number. */
export function looksLikeOnnx(head: Uint8Array): boolean {
  const version = head[1] ?? 0;
  return head[0] === 0x08 && version >= 2 && version < 64 && head.length > 8;
}

/**
 * Walks a model's protocol buffer: every graph, subgraph and function in it, every tensor and every external location.
 * Raw data are skipped. Throws `onnx.malformed` where the bytes are no ONNX model.
 */
export async function judgeOnnx(reader: RangedReader, inspection: Inspection): Promise<void> {
  const walk = new OnnxWalk(reader, inspection);
  await walk.model(reader.size);
}

class OnnxWalk {
  readonly #proto: ProtobufReader;
  readonly #inspection: Inspection;
  readonly #tensors: OnnxTensors;
  /** Domains of operators that are not known, and of functions that the model brings itself. */
  readonly #used = new Map<string, string>();
  readonly #own = new Set<string>();
  #graphs = 0;

  constructor(reader: RangedReader, inspection: Inspection) {
    this.#proto = new ProtobufReader(reader, 'onnx.malformed');
    this.#inspection = inspection;
    this.#tensors = new OnnxTensors(this.#proto, inspection);
  }

  async model(end: number): Promise<void> {
    await this.#proto.fields(end, async (field) => {
      if (field.number === 7) await this.#message(field, 0, (inner) => this.#graphField(inner, 0));
      else if (field.number === 8) await walkShapes(this.#proto, field, 'opset');
      else if (field.number === 14) await this.#metadata(field);
      else if (field.number === 20) await this.#message(field, 0, (inner) => this.#trainingField(inner));
      else if (field.number === 25) await this.#function(field);
      else await this.#description(field);
    });
    if (this.#graphs === 0) throw new RefusedError('onnx.malformed', 'no graph');
    for (const [domain, operator] of this.#used) {
      if (!this.#own.has(domain)) {
        this.#inspection.report('onnx.custom-operator', `needs a library for the operator ${domain}.${operator}`);
      }
    }
  }

  /** Other models are protocol buffers too, which skip what they do not know: what is no field of ONNX may be all of theirs. */
  async #description(field: Field): Promise<void> {
    if (field.number === 1 || field.number === 5 || field.number === 26) return;
    const isText = TEXT_FIELDS.has(field.number) && field.wire === 'bytes' && field.length <= MAX_METADATA;
    const text = isText ? await this.#proto.text(field, MAX_METADATA) : undefined;
    if (text === undefined || /(?![\t\n\r])\p{Cc}/u.test(text))
      throw this.#proto.refuse(`field ${field.number} is none of a model, or no text`);
  }

  async #message(field: Field, depth: number, visit: (field: Field) => Promise<void>): Promise<void> {
    if (field.wire !== 'bytes') throw this.#proto.refuse(`field ${field.number} is no message`);
    if (depth > MAX_DEPTH) throw this.#proto.refuse('graphs nested without end');
    this.#inspection.checkTime();
    await this.#proto.fields(field.start + field.length, visit);
  }

  async #graphField(field: Field, depth: number): Promise<void> {
    this.#graphs += 1;
    if (field.number === 1) await this.#message(field, depth, this.#nodeVisitor(depth));
    else if (field.number === 5) await this.#tensors.read(field, depth === 0);
    else if (field.number >= 11 && field.number <= 13) await walkShapes(this.#proto, field, 'value');
    else if (field.number === 15) await this.#sparse(field);
  }

  async #trainingField(field: Field): Promise<void> {
    if (field.number <= 2) await this.#message(field, 1, (inner) => this.#graphField(inner, 1));
  }

  async #function(field: Field): Promise<void> {
    let domain = '';
    await this.#message(field, 0, async (inner) => {
      if (inner.number === 7) await this.#message(inner, 1, this.#nodeVisitor(1));
      else if (inner.number === 10) domain = (await this.#proto.text(inner, MAX_NAME)) ?? '';
      else if (inner.number === 11) await this.#message(inner, 1, (attribute) => this.#attributeField(attribute, 1));
    });
    this.#own.add(domain);
  }

  /** The domain may come before or after the operator, so that both are looked at again with each. */
  #nodeVisitor(depth: number): (field: Field) => Promise<void> {
    let operator = '';
    let domain = '';
    return async (field) => {
      if (field.number === 4) operator = (await this.#proto.text(field, MAX_NAME)) ?? '';
      else if (field.number === 7) domain = (await this.#proto.text(field, MAX_NAME)) ?? '?';
      else if (field.number === 5) await this.#message(field, depth, (inner) => this.#attributeField(inner, depth));
      if (field.number === 4 && PYTHON_OPERATOR.test(operator)) {
        this.#inspection.report('onnx.custom-operator', `the operator ${operator} runs Python`, field.start);
      }
      if (field.number === 4 && COMPILED_OPERATOR.test(operator)) {
        this.#inspection.report('onnx.custom-operator', 'a part of the model is compiled code', field.start);
      }
      if (field.number === 7 && !KNOWN_DOMAIN.test(domain)) this.#used.set(domain, operator);
    };
  }

  async #attributeField(field: Field, depth: number): Promise<void> {
    if (field.number === 5 || field.number === 10) await this.#tensors.read(field, false);
    else if (field.number === 6 || field.number === 11) {
      await this.#message(field, depth + 1, (inner) => this.#graphField(inner, depth + 1));
    } else if (field.number === 22 || field.number === 23) await this.#sparse(field);
  }

  async #sparse(field: Field): Promise<void> {
    await this.#message(field, 0, async (inner) => {
      if (inner.number <= 2) await this.#tensors.read(inner, false);
    });
  }

  async #metadata(field: Field): Promise<void> {
    let key = '';
    let value = '';
    await this.#message(field, 0, async (inner) => {
      if (inner.number === 1) key = (await this.#proto.text(inner, MAX_NAME)) ?? '';
      if (inner.number === 2 && inner.length <= MAX_METADATA)
        value = (await this.#proto.text(inner, MAX_METADATA)) ?? '';
    });
    judgeMetadata(new Map([[key, value]]), this.#inspection);
    if (key !== '') this.#inspection.facts.metadata.set(key, value.slice(0, 4_096));
  }
}
