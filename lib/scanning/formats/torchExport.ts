import type { Inspection } from '../inspection.ts';
import type { Json } from '../strictJson.ts';

/** What a node may be: registered operators, and arithmetic on sizes. Loaders resolve the text attribute by attribute. */
const OPERATOR =
  /^(?:torch\.ops\.(?:aten|prims?|higher_order|quantized|quantized_decomposed|torchvision|inductor|profiler|symm_mem|c10d|_c10d_functional|fbgemm|torchao)\.\w+(?:\.\w+)*|_operator\.(?:add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|not_|xor|invert|lshift|rshift|getitem|index|matmul|is_|is_not)|math\.\w+|torch\.(?:sym_\w+|_sym_\w+)|torch\.\w*\._?higher_order_ops\.\w+\.\w+|\[?[a-z_]*torch\._higher_order_ops\.[\w.]+|#\w+)$/;
/** Sizes as sympy parses them, which evaluates what it is given. */
const EXPRESSION = /^[\w\s+\-*/%(),.<>=!&|~^]*$/;
const FUNCTIONS =
  /^(?:Max|Min|Mod|FloorDiv|CeilDiv|CleanDiv|ModularIndexing|Where|PythonMod|TruncToInt|TruncToFloat|ToFloat|IntTrueDiv|FloatTrueDiv|FloatPow|PowByNatural|RoundToInt|RoundDecimal|FloorToInt|CeilToInt|Abs|And|Or|Not|Eq|Ne|Lt|Le|Gt|Ge|Pow|Integer|Float|Symbol|Identity|floor|ceiling|sqrt|log|exp|LShift|RShift|BitwiseFn_\w+|OpaqueUnaryFn_\w+)$/;
const GUARD = /__|\b(?:import|eval|exec|open|os|sys|subprocess|getattr|globals|builtins|lambda)\b/;

/** torch.export keeps a program as JSON; its loader evaluates sizes and guards as Python and resolves operators by name. */
export function judgeExportedProgram(json: ReadonlyMap<string, Json>, inspection: Inspection): void {
  const target = json.get('target');
  if (typeof target === 'string' && json.has('inputs') && json.has('outputs') && !OPERATOR.test(target)) {
    inspection.report('torch.export', `a node calls ${target}`);
  }
  const expression = json.get('expr_str');
  if (typeof expression === 'string' && !isArithmetic(expression)) {
    inspection.report('torch.export', `a size is computed by ${expression}`);
  }
  const guards = json.get('guards_code');
  for (const guard of Array.isArray(guards) ? guards : []) {
    if (typeof guard !== 'string' || GUARD.test(guard))
      inspection.report('torch.export', `a guard runs ${typeof guard === 'string' ? guard : 'what is no text'}`);
  }
}

function isArithmetic(expression: string): boolean {
  if (!EXPRESSION.test(expression) || expression.includes('__')) return false;
  const called = [...expression.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map((match) => match[1] ?? '');
  return called.every((name) => FUNCTIONS.test(name)) && !/[A-Za-z_)]\s*\.\s*[A-Za-z_]/.test(expression);
}
