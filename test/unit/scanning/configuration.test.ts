import { describe, expect, it } from 'vitest';
import { judgeBytes } from './build.ts';

const lambda = { class_name: 'Sequential', config: { layers: [{ class_name: 'Lambda', config: { function: 'x' } }] } };

describe('a configuration', () => {
  it.each([
    ['json.code', { model: { _target_: 'transformers.utils.import_utils.os.system' } }],
    ['json.code', { model: { target: 'subprocess.Popen', params: { args: 'id' } } }],
    ['json.code', { 'py/module': 'os' }],
    ['keras.code', { format: 'layers-model', modelTopology: { keras_version: '2', model_config: lambda } }],
    ['template.escape', { system_prompt: "{{ ''['a_b'[1]*2 ~ 'class'] }}" }],
  ])('that calls what it names is not clean: %s %j', async (rule, config) => {
    const verdict = await judgeBytes(Buffer.from(JSON.stringify(config)));
    expect(verdict.status).not.toBe('clean');
    expect(verdict.reasons.map((reason) => reason.rule)).toContain(rule);
  });

  it.each([
    '%TAG !p! tag:yaml.org,2002:pyth\n---\n!p!on/object/apply:os.system ["id"]\n',
    'lm: !new:os.system\n  command: id\n',
    'model:\n  target: subprocess.Popen\n',
    'flavors: {python_function: {loader_module: evil}}\n',
  ])('in YAML that calls what it names is malicious: %j', async (text) => {
    expect(await judgeBytes(Buffer.from(text))).toMatchObject({
      status: 'malicious',
      reasons: [{ rule: 'text.unsafe-tag' }],
    });
  });

  it.each([
    JSON.stringify({ _target_: 'torch.nn.modules.linear.Linear', in_features: 1 }),
    JSON.stringify({ model: { target: 'ldm.models.diffusion.ddpm.LatentDiffusion', params: {} } }),
    JSON.stringify({ modelTopology: { model_config: { class_name: 'Sequential', config: { layers: [] } } } }),
    'model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n',
    'lm: !new:speechbrain.lobes.models.CRDNN.CRDNN\n',
    'flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n',
  ])('of building blocks is clean: %s', async (text) => {
    expect((await judgeBytes(Buffer.from(text))).status).toBe('clean');
  });
});
