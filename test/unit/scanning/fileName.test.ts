import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { judgeName } from '../../../lib/scanning/index.ts';
import { judgeBytes, rulesOf, safetensorsFile } from './build.ts';

const harmless = new URL('../../corpus/scanning/harmless/', import.meta.url);
const TEXT = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
const PICKLE = Buffer.from('80027d2e', 'hex');
const WEIGHTS = safetensorsFile('{}');

const called = async (name: string, bytes: Uint8Array) => judgeName(name, await judgeBytes(bytes));

it.each(readdirSync(harmless))('%s may keep the name that its library gave it', async (name) => {
  const verdict = await called(name, readFileSync(new URL(name, harmless)));
  expect(verdict.reasons).toEqual([]);
  expect(verdict.status).toBe('clean');
});

it.each([
  ['model.safetensors', TEXT],
  ['MODEL.SafeTensors', TEXT],
  ['.safetensors', TEXT],
  ['folder/model.safetensors', Buffer.from('{"a": 1}')],
  ['model.safetensors', PICKLE],
  ['model.safetensors', Buffer.alloc(32, 1)],
  ['model.sft', TEXT],
  ['model.gguf', WEIGHTS],
  ['model.onnx', TEXT],
  ['model.pt', TEXT],
  ['model.pth', WEIGHTS],
  ['model.ckpt', WEIGHTS],
  ['pytorch_model.bin', TEXT],
  ['model.bin', Buffer.from('[1]')],
  ['array.npy', PICKLE],
  ['model.h5', TEXT],
  ['model.tflite', TEXT],
  ['config.json', PICKLE],
  ['config.json', Buffer.from('\ufeff{"auto_map": {"AutoModel": "evil.py"}}')],
  ['all.zip', TEXT],
  ['all.tar', TEXT],
  ['weights.pkl.gz', TEXT],
  ['checkpoint.pth.tar', WEIGHTS],
  ['model.pt.json', PICKLE],
  ['weights.npy.tar', PICKLE],
])('%s is refused with a content that its name does not promise', async (name, bytes) => {
  const verdict = await called(name, bytes);
  expect(verdict.status).toBe('invalid');
  expect(verdict.reasons[0]?.rule).toBe('file.misnamed');
});

it.each([
  ['model.safetensors', WEIGHTS],
  ['model.bin', WEIGHTS],
  ['model.bin', PICKLE],
  ['model.ckpt', PICKLE],
  ['model.safetensors.md', TEXT],
  ['model.safetensors.index.json', Buffer.from('{"metadata": {}}')],
  ['folder.safetensors/README', TEXT],
  ['README', PICKLE],
])('%s may hold what it promises, or anything where it promises nothing', async (name, bytes) => {
  expect((await called(name, bytes)).reasons).toEqual([]);
});

it.each([
  ['model_best.pth.tar', 'torch-checkpoint.pt'],
  ['Checkpoint.PTH.tar', 'torch-checkpoint-legacy.pt'],
  ['last.ckpt.tar', 'torch-checkpoint.pt'],
  ['program.pt', 'exported-2.5.pt2'],
  ['program.pth', 'exported-2.5.pt2'],
  ['weights.keras', 'weights-only.weights.h5'],
])('%s may hold what a library writes under such a name', async (name, written) => {
  expect(await called(name, readFileSync(new URL(written, harmless)))).toMatchObject({ status: 'clean', reasons: [] });
});

it('does not call a vocabulary misnamed that is too large to be read', async () => {
  const vocabulary = Buffer.alloc(64 * 1024 * 1024 + 10, '"ä": 1,\n');
  vocabulary.write('{"a": 1,\n');
  const verdict = await called('tokenizer.json', vocabulary);
  expect(verdict.status).toBe('unscanned');
  expect(rulesOf(verdict)).toEqual(['file.too-large']);
  expect(rulesOf(await called('model.json', vocabulary.fill(1, 20)))).toContain('file.misnamed');
});

it('leaves what was refused for another reason as it is', async () => {
  const [evil, zeros, empty] = [Buffer.from("cos\nsystem\n(S'id'\ntR."), Buffer.alloc(32, 1), Buffer.alloc(0)];
  expect((await called('evil.safetensors', evil)).status).toBe('malicious');
  expect(rulesOf(await called('evil.safetensors', evil))).not.toContain('file.misnamed');
  expect(rulesOf(await called('empty.safetensors', empty))).toEqual(['file.empty']);
  // TensorFlow's own checkpoints and models are not read.
  expect(rulesOf(await called('model.ckpt', zeros))).toEqual(['file.unknown-format']);
});
