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
const MODULE_KEYS = new Set([
  'parent_library',
  'loader_module',
  'custom_pipeline',
  'custom_generate',
  'custom_ops_library',
]);

/** Functions of Python by which a configuration would leave the world of models. */
const PYTHON_CALL = /^(?:os|sys|posix|nt|subprocess|builtins|importlib|shutil|runpy|pty|socket|pickle|ctypes)\./;

/** Configurations name code: templates that hosts render, classes that loaders import, notebooks. */
export function judgeJsonFile(json: Json, inspection: Inspection): void {
  if (json instanceof Map) {
    if (json.has('nbformat') && json.has('cells')) inspection.report('json.code', 'a notebook with code');
    if (typeof json.get('class_name') === 'string' && json.has('config')) judgeKerasConfig(json, inspection);
    if (typeof json.get('_class_name') === 'string') judgePipeline(json, inspection);
  }
  judgeValue(json, inspection, '');
}

/** sentence-transformers' `modules.json`: each entry names the class that its loader imports. */
function judgeModule(json: ReadonlyMap<string, Json>, inspection: Inspection): void {
  const type = json.get('type');
  if (typeof type !== 'string' || !json.has('idx') || !json.has('path')) return;
  if (!LIBRARIES.test(type)) inspection.report('json.code', `a module of the class ${type}`);
}

/** The index of a sharded model: its loader opens these files beside it. */
function judgeShards(shards: Json, inspection: Inspection): void {
  for (const file of shards instanceof Map ? new Set(shards.values()) : []) {
    if (typeof file !== 'string' || !/^(?!\.\.?$)[\w.\-= ]+$/.test(file)) {
      inspection.report('json.code', `weights are read from ${JSON.stringify(file)}`);
    }
  }
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
    const escape = /template|prompt/i.test(key) ? findTemplateEscape(json) : undefined;
    if (escape !== undefined) inspection.report('template.escape', `${key} ${escape}`);
    if (MODULE_KEYS.has(key) && !LIBRARIES.test(json))
      inspection.report('json.code', `${key} names the module ${json}`);
    return;
  }
  if (Array.isArray(json)) for (const item of json) judgeValue(item, inspection, key);
  if (!(json instanceof Map)) return;
  judgeSkops(json, inspection);
  judgeModule(json, inspection);
  judgeExportedProgram(json, inspection);
  for (const [name, value] of json) {
    if (name === 'auto_map' && value !== null) {
      inspection.report('json.code', 'auto_map: hosts that trust remote code would import Python of this repository');
    }
    if (name === 'trust_remote_code' && value === true) {
      inspection.report('json.code', 'trust_remote_code: asks hosts to import Python of a repository');
    }
    if (name === 'custom_pipelines' && value instanceof Map) {
      inspection.report('json.code', 'custom_pipelines: hosts would import Python of this repository');
    }
    if (name === 'weight_map') judgeShards(value, inspection);
    if (name === '_target_' && typeof value === 'string' && !TARGETS.test(value)) {
      inspection.report('json.code', `a configuration that calls ${value}`);
    }
    if (name === 'target' && typeof value === 'string' && json.has('params') && PYTHON_CALL.test(value)) {
      inspection.report('json.code', `a configuration that calls ${value}`);
    }
    if (/^(?:model_config|modelTopology)$/.test(name) && value instanceof Map) judgeKerasConfig(value, inspection);
    if (/^py\/(?!id$|set$|tuple$)/.test(name)) {
      inspection.report('json.code', `${name}: jsonpickle would call what it names`);
    }
    // `chat_template` may be a text, or a list of names and templates.
    judgeValue(value, inspection, /template/i.test(key) ? key : name);
  }
}
