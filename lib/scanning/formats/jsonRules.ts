import { judgeExportedProgram } from './torchExport.ts';
import type { Inspection } from '../inspection.ts';
import type { Json } from '../strictJson.ts';
import { allowedRole } from '../pickle/allowList.ts';
import { findTemplateEscape } from './chatTemplate.ts';
import { judgeKerasConfig } from './kerasConfig.ts';
import { TARGETS } from './textRules.ts';

/** Libraries of which pipelines and adapters name classes. */
const LIBRARIES =
  /^(?:diffusers|transformers|onnxruntime(?:\.transformers)?|optimum(?:\.\w+)?|sentence_transformers(?:\.models)?|peft|safetensors|timm|k_diffusion|stable_diffusion|pipeline_utils)(?:\.[\w.]+)?$/;
/** Keys under which a configuration names a module that its loader imports. */
const MODULE_KEYS = new Set(['parent_library', 'loader_module', 'custom_pipeline']);

/** Configurations name code: templates that hosts render, classes that loaders import, notebooks. */
export function judgeJsonFile(json: Json, inspection: Inspection): void {
  if (json instanceof Map) {
    if (json.has('nbformat') && json.has('cells')) inspection.report('json.code', 'a notebook with code');
    if (typeof json.get('class_name') === 'string' && json.has('config')) judgeKerasConfig(json, inspection);
    if (typeof json.get('_class_name') === 'string') judgePipeline(json, inspection);
  }
  judgeValue(json, inspection, '');
}

/** Lists of a model's own configuration, which may have two entries. */
const PLAIN_LIST = /_(?:types?|channels|layers|dims?|blocks?|names?|sizes?|ids?|tokens?)$/;

/** diffusers' `model_index.json`: components as pairs of a library and a class. */
function judgePipeline(json: ReadonlyMap<string, Json>, inspection: Inspection): void {
  for (const [name, value] of json) {
    const [library, type] =
      Array.isArray(value) && value.length === 2 && !name.startsWith('_') && !PLAIN_LIST.test(name) ? value : [];
    if (typeof library === 'string' && typeof type === 'string' && !LIBRARIES.test(library)) {
      inspection.report('json.code', `the component ${name} is the class ${library}.${type}`);
    }
  }
}

/** skops' schema names the class of each node, and how it is made: some kinds get attributes or call what they name. */
function judgeSkops(json: ReadonlyMap<string, Json>, inspection: Inspection): void {
  const [module, name, loader] = [json.get('__module__'), json.get('__class__'), json.get('__loader__')];
  if (typeof module !== 'string' || typeof name !== 'string') return;
  if (allowedRole(module, name) === undefined) inspection.report('json.code', `a node of the class ${module}.${name}`);
  if (typeof loader === 'string' && /^(?:Method|OperatorFunc|Partial)Node$/.test(loader)) {
    inspection.report('json.code', `a node of the kind ${loader}`);
  }
}

function judgeValue(json: Json, inspection: Inspection, key: string): void {
  if (typeof json === 'string') {
    const escape = /template/i.test(key) ? findTemplateEscape(json) : undefined;
    if (escape !== undefined) inspection.report('template.escape', `${key} ${escape}`);
    if (MODULE_KEYS.has(key) && !LIBRARIES.test(json))
      inspection.report('json.code', `${key} names the module ${json}`);
    return;
  }
  if (Array.isArray(json)) for (const item of json) judgeValue(item, inspection, key);
  if (!(json instanceof Map)) return;
  judgeSkops(json, inspection);
  judgeExportedProgram(json, inspection);
  for (const [name, value] of json) {
    if (name === 'auto_map' && value !== null) {
      inspection.report('json.code', 'auto_map: hosts that trust remote code would import Python of this repository');
    }
    if (name === '_target_' && typeof value === 'string' && !TARGETS.test(value)) {
      inspection.report('json.code', `a configuration that calls ${value}`);
    }
    if (/^py\/(?:object|reduce|function|type|repr|newargs)/.test(name)) {
      inspection.report('json.code', `${name}: jsonpickle would call what it names`);
    }
    // `chat_template` may be a text, or a list of names and templates.
    judgeValue(value, inspection, /template/i.test(key) ? key : name);
  }
}
