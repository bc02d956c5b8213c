import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createBufferReader, judgeHeader } from '../../../lib/scanning/index.ts';
import { judgeBytes, rulesOf } from './build.ts';

/** Written by the scripts of bench/scan; `fuzz` by `npm run bench -- scan-fuzz --keep`. */
const corpus = new URL('../../corpus/scanning/', import.meta.url);
const filesOf = (folder: string) => readdirSync(new URL(folder, corpus)).map((name) => `${folder}/${name}`);
const load = (path: string) => readFileSync(new URL(path, corpus));

describe('files that reference libraries wrote', () => {
  it.each(filesOf('harmless'))('%s is clean', async (path) => {
    const verdict = await judgeBytes(load(path));
    expect(verdict.reasons).toEqual([]);
    expect(verdict.status).toBe('clean');
  });
});

describe('files that were written to do harm', () => {
  it.each(filesOf('dangerous'))('%s is not clean', async (path) => {
    expect((await judgeBytes(load(path))).status).not.toBe('clean');
  });

  it.each([
    ['dangerous/hdf5-lambda-old.h5', 'keras.code'],
    ['dangerous/hdf5-external-link.h5', 'hdf5.outside-file'],
    ['dangerous/hdf5-external-data.h5', 'hdf5.outside-file'],
    ['dangerous/hdf5-virtual.h5', 'hdf5.outside-file'],
    ['dangerous/hdf5-pickled-attribute.h5', 'pickle.nested'],
    ['dangerous/keras-escaped.keras', 'keras.code'],
    ['dangerous/keras-get-file.keras', 'keras.code'],
    ['dangerous/keras-vocabulary.keras', 'keras.outside-file'],
    ['dangerous/onnx-subgraph-external.onnx', 'onnx.external-path'],
    ['dangerous/onnx-python-op.onnx', 'onnx.custom-operator'],
    ['dangerous/wrapped-system.bz2', 'pickle.dangerous-call'],
    ['dangerous/wrapped-system.xz', 'pickle.dangerous-call'],
    ['dangerous/wrapped-text.lzma', 'pickle.dangerous-call'],
    ['dangerous/npy-nested.npy', 'pickle.dangerous-call'],
    ['dangerous/tar-torch.pt', 'pickle.dangerous-call'],
    ['dangerous/tar-long-slip.tar', 'archive.path'],
    ['dangerous/zip-hidden-entry.pt', 'zip.hidden'],
    ['dangerous/torch-script-save.pt', 'torchscript.operator'],
    ['dangerous/opcode-joblib-opcodes.pkl', 'polyglot.second-format'],
    ['dangerous/opcode-joblib-struct-objects.pkl', 'pickle.dangerous-call'],
    ['dangerous/opcode-generator-ctor.pkl', 'pickle.argument'],
    ['dangerous/opcode-nested-encoded.pkl', 'pickle.dangerous-call'],
    ['dangerous/st-pickle-prefix.safetensors', 'polyglot.second-format'],
    ['dangerous/tokenizer_list.json', 'template.escape'],
    ['dangerous/metadata-import.safetensors', 'metadata.script'],
    ['dangerous/metadata-page.gguf', 'metadata.script'],
    ['dangerous/config-trust.json', 'json.code'],
    ['dangerous/config-modules.json', 'json.code'],
    ['dangerous/config-shards-up.json', 'json.code'],
    ['dangerous/config-custom-pipelines.json', 'json.code'],
    ['dangerous/text-tag-hidden.yaml', 'text.unsafe-tag'],
    ['dangerous/text-include.xml', 'text.unsafe-tag'],
    ['dangerous/text-cell.csv', 'text.script'],
    ['dangerous/text-reverse.sh', 'text.script'],
    ['dangerous/onnx-entry-__class__.onnx', 'onnx.tensor'],
    ['dangerous/stage-text-base64-p0.pkl', 'pickle.nested'],
    ['dangerous/stage-system-two-spelled.pkl', 'pickle.nested'],
    ['dangerous/stage-print-raw-p0.pkl', 'pickle.nested'],
    ['dangerous/torch-flat.pt', 'pickle.dangerous-call'],
    ['dangerous/zip-two-pickles.zip', 'pickle.dangerous-call'],
    ['dangerous/weights-huge.weights.h5', 'archive.bomb'],
    ['dangerous/frame-over-line.pkl', 'pickle.frame'],
    ['dangerous/dtype-without-references.pkl', 'pickle.state'],
  ])('%s breaks the rule %s', async (path, rule) => {
    expect(rulesOf(await judgeBytes(load(path)))).toContain(rule);
  });
});

describe('every file of the corpus', () => {
  const all = [...filesOf('harmless'), ...filesOf('dangerous')];

  it.each(all)('%s, cut or changed anywhere, gives a verdict', async (path) => {
    const file = load(path);
    const rules = new Set<string>();
    for (let trial = 0; trial < 60; trial += 1) {
      const place = (trial * 7919) % file.length;
      const changed = Buffer.from(file);
      changed[place] = (changed[place] ?? 0) ^ (1 << (trial % 8));
      const mutant = trial % 3 === 0 ? file.subarray(0, place) : changed;
      const verdict = await judgeHeader(createBufferReader(mutant));
      for (const { rule } of verdict.reasons) rules.add(rule);
    }
    expect([...rules]).not.toContain('file.scanner-error');
  });
});

describe('inputs by which a search reached new code', () => {
  it.each(filesOf('fuzz'))('%s gives a verdict', async (path) => {
    const { status, reasons } = await judgeBytes(load(path));
    expect(status === 'clean').toBe(reasons.length === 0);
    expect(reasons.map(({ rule }) => rule)).not.toContain('file.scanner-error');
  });
});

describe('what a readable file holds', () => {
  it.each([
    ['harmless/torch-checkpoint.pt', { tensorCount: 28, family: 'unknown', kind: 'other' }],
    ['harmless/plain.onnx', { tensorCount: 1, parameters: 16 }],
    ['harmless/metadata.onnx', { licence: 'mit' }],
    ['harmless/legacy.h5', { tensorCount: 43 }],
    ['harmless/quant-Q4_K.gguf', { family: 'Flux.1', kind: 'diffusion_models' }],
    ['harmless/numpy-struct.npy', { parameters: 3, tensorBytes: 63 }],
  ])('is told of %s', async (path, facts) => {
    expect((await judgeBytes(load(path))).analysis).toMatchObject(facts);
  });
});
