import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import type { RangedReader } from '../rangedReader.ts';

const MAX_SOURCE = 32 * 1024 * 1024;

/**
 * TorchScript is a language of its own, compiled from these sources: no imports of Python modules, no system. What can
 * do harm are the few operators that touch files or devices by name, and custom ones from libraries.
 */
const HARMFUL: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\b(?:torch|aten)\s*\.\s*(?:save|from_file|load)\b(?!\s*\.)/, 'reads or writes a file'],
  [/=[ \t]*\(*(?:torch|ops|ops\s*\.\s*\w+)[ \t)]*(?:\n|$)/, 'gives a library another name'],
  [
    /(?<!\b__torch__\.torchvision\.)\bops\s*\.\s*(?!(?:aten|prim|prims|quantized|torchvision|_caffe2|mkldnn_prepacked|sparse|mkldnn)\s*\.)[A-Za-z_]\w*\s*\./,
    'uses a custom operator',
  ],
  [
    /\b(?:__builtins__|__import__|subprocess|importlib)\b|\bos\s*\.\s*system\b|\b(?:eval|exec)\s*\(/,
    'reaches for Python',
  ],
  [/^[ \t]*(?:import|from)\s+(?!__torch__)\w+/m, 'imports a module of Python'],
  [/\bopen\s*\(/, 'opens a file'],
];

export async function judgeTorchScriptCode(name: string, member: RangedReader, inspection: Inspection): Promise<void> {
  if (member.size > MAX_SOURCE) throw new RefusedError('file.too-large', `${name} has ${member.size} bytes`);
  if (name.endsWith('.debug_pkl')) {
    // Source ranges for error messages: a pickle of tuples, which only torch's own C++ unpickler reads.
    await inspection.inspectInside(name, member);
    return;
  }
  const source = Buffer.from(await member.read(0, member.size)).toString('utf8');
  const joined = joinLines(source);
  for (const [pattern, what] of HARMFUL) {
    const found = pattern.exec(source) ?? pattern.exec(joined);
    if (found !== null) inspection.report('torchscript.operator', `${name} ${what}: ${found[0]}`, found.index);
  }
}

/** Without comments and continued lines, which may stand between any two words. */
function joinLines(source: string): string {
  const pieces = /("""[^]*?"""|'''[^]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|#[^\n]*|\\\n/g;
  return source.replace(pieces, (_, text: string | undefined) => text ?? ' ');
}

/** Operators of the mobile interpreter's byte code, as their names stand in its pickle. */
const MOBILE_OPERATOR =
  /\b(?!(?:aten|prim|prims|quantized|torchvision|_caffe2|sparse|mkldnn|mkldnn_prepacked)::)[a-z]\w{0,100}::\w+|aten::(?:save|from_file|load)/;

export async function judgeMobileCode(name: string, member: RangedReader, inspection: Inspection): Promise<void> {
  if (member.size > MAX_SOURCE) throw new RefusedError('file.too-large', `${name} has ${member.size} bytes`);
  const found = MOBILE_OPERATOR.exec(Buffer.from(await member.read(0, member.size)).toString('latin1'));
  if (found !== null) inspection.report('torchscript.operator', `${name} uses ${found[0]}`, found.index);
}
