import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { type Json, type JsonObject, parseStrictJson } from '../strictJson.ts';
import { KERAS_CLASSES, KERAS_FUNCTIONS, KERAS_MODULES } from './kerasNames.ts';

/** Keras 2.11 to 2.15 wrote the optimisers of its own under this name. */
const OLD_OPTIMIZER = /^Custom>(?:SGD|RMSprop|Adam|AdamW|Adadelta|Adagrad|Adamax|Nadam|Ftrl|Lion|Adafactor)$/;

/** A class, an old optimiser, or a value that Keras writes as an object. */
const CLASS_NAME = /^(?:[A-Z]\w*|Custom>\w+|__\w+__|builtin_\w+)$/;
/** Functions are named without their module; with one, the loader looks for what the application registered. */
const FUNCTION_KEYS = /^(?:recurrent_)?activation$/;

/** Layers whose construction runs code from the file, or loads a program from elsewhere. */
const CODE_CLASSES = new Set([
  'Lambda',
  '__lambda__',
  'TorchModuleWrapper',
  'TFSMLayer',
  'JaxLayer',
  'FlaxLayer',
  'TensorFlowOpLayer',
  'TFOpLambda',
  'SlicingOpLambda',
  'ClassMethod',
  'InstanceMethod',
  'InstanceProperty',
  'PyFunc',
  'function_type',
]);

/** Values in place of which a layer reads a file or an address. */
const FILE_KEYS = new Set([
  'vocabulary',
  'idf_weights',
  'filepath',
  'file_path',
  'weights_path',
  'origin',
  'cache_dir',
  'fname',
]);

export function judgeKerasText(text: Uint8Array, inspection: Inspection): void {
  const end = text.indexOf(0);
  const json = parseStrictJson(end < 0 ? text : text.subarray(0, end), {
    rule: 'keras.malformed',
    maxDepth: 200,
    maxValues: 2_000_000,
  });
  judgeKerasConfig(json, inspection);
}

/**
 * Judges the architecture of a Keras model, which its loader turns into imports and calls: `module` and `class_name` choose
 * a class, `config` its arguments. Only names of Keras pass, and of those none that runs code or reads files.
 */
export function judgeKerasConfig(json: Json, inspection: Inspection): void {
  if (Array.isArray(json)) for (const item of json) judgeKerasConfig(item, inspection);
  if (!(json instanceof Map)) return;
  const className = json.get('class_name');
  if (className !== undefined) judgeObject(json, className, inspection);
  for (const [key, value] of json) {
    if (FILE_KEYS.has(key) && typeof value === 'string') {
      inspection.report('keras.outside-file', `${key} names the file ${JSON.stringify(value)}`);
    }
    if (key === 'function_type' && value === 'lambda')
      inspection.report('keras.code', 'a layer whose function is byte code');
    if (key === '__torch_module__' || key === '__lambda__') inspection.report('keras.code', `${key} holds code`);
    if (FUNCTION_KEYS.test(key) && typeof value === 'string' && value.includes('.')) {
      inspection.report('keras.custom-object', `${key} is the function ${value}`);
    }
    judgeKerasConfig(value, inspection);
  }
}

function judgeObject(json: JsonObject, className: Json, inspection: Inspection): void {
  if (typeof className !== 'string') throw new RefusedError('keras.malformed', 'a class name that is no text');
  const module = json.get('module');
  const registered = json.get('registered_name');
  const shown = typeof module === 'string' ? `${module}.${className}` : className;
  if (CODE_CLASSES.has(className)) {
    inspection.report('keras.code', `${shown} runs code that the file brings or names`);
    return;
  }
  if (className === 'function' || className === 'builtin_function_or_method') {
    judgeFunction(json.get('config'), module, inspection);
    return;
  }
  const ofKeras =
    typeof module === 'string'
      ? KERAS_MODULES.test(module)
      : KERAS_CLASSES.has(className) || OLD_OPTIMIZER.test(className);
  if (!ofKeras || !CLASS_NAME.test(className)) {
    const rule = typeof module === 'string' && !/^[a-z_]*keras/.test(module) ? 'keras.code' : 'keras.custom-object';
    inspection.report(rule, `makes an instance of ${shown}, which is not of Keras`);
  } else if (typeof registered === 'string' && registered.includes('>') && !registered.startsWith('keras')) {
    inspection.report('keras.custom-object', `needs the custom object ${registered}`);
  }
}

/** A function by its name: an activation, a loss. Others read files, download or change the process. */
function judgeFunction(name: Json | undefined, module: Json | undefined, inspection: Inspection): void {
  if (
    typeof name === 'string' &&
    KERAS_FUNCTIONS.has(name) &&
    (module === undefined || module === null || isFunctionModule(module))
  )
    return;
  const shown = typeof module === 'string' ? `${module}.` : '';
  inspection.report('keras.code', `resolves the function ${shown}${typeof name === 'string' ? name : '?'}`);
}

function isFunctionModule(module: Json): boolean {
  return typeof module === 'string' && (module === 'builtins' || KERAS_MODULES.test(module));
}
