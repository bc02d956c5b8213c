import { findTemplateEscape } from './chatTemplate.ts';

type TextRule = 'text.script' | 'text.unsafe-tag' | 'template.escape';

/** Source code and documents that run something; linear patterns only. */
const SCRIPTS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^#!/, 'a script for a shell'],
  [/^@echo off/im, 'a batch file'],
  [/^\s*(?:import [A-Za-z_][\w.]*|from [A-Za-z_.][\w.]* import )/m, 'Python source'],
  [/^\s*(?:async )?def [A-Za-z_]\w*\s*\(/m, 'Python source'],
  [/\b(?:__import__|eval|exec|compile)\s*\(/, 'Python source'],
  [/\bopen\s*\(\s*['"]/, 'source that opens a file'],
  [/\bos\.(?:system|popen)\s*\(|\bsubprocess\.\w+\s*\(/, 'Python source'],
  [/<script\b|\bjavascript:|\bon(?:error|load|click)\s*=/i, 'a page with a script'],
  [/<\?php\b/, 'PHP source'],
  [
    /\bInvoke-(?:Expression|WebRequest)\b|\.DownloadString\s*\(|\bNew-Object\s+(?:System\.)?Net\./i,
    'a PowerShell script',
  ],
  [/\bos\.execute\s*\(|\bio\.popen\s*\(/, 'Lua source that runs a command'],
  [/^\s*(?:base::)?system2?\s*\(\s*['"]/m, 'R source that runs a command'],
  [/^\[Desktop Entry\][^]{0,5000}^Exec\s*=/m, 'a launcher of a program'],
  [/^\s*(?:sudo\s+)?rm\s+-[a-z]*[rf][a-z]*\s+[/~]/m, 'a command that deletes files'],
  [/^[^\n]{0,200}@\s*git\+(?:https?|ssh):\/\//m, 'a list of packages from addresses'],
  [/\bint\s+main\s*\(|^\s*#include\s*[<"]/m, 'C source'],
  [/\bchild_process\b|\brequire\s*\(/, 'JavaScript source'],
  [/^\s*(?:curl|wget)\b[^\n|]{0,500}\|\s*(?:ba)?sh\b/m, 'a command that runs what it downloads'],
];

/** Libraries whose classes a configuration of hydra may name: building blocks of models, no loaders. */
export const TARGETS =
  /^(?:nemo\.|torch\.(?:nn|optim)\.|pytorch_lightning\.|lightning\.|transformers\.|diffusers\.|omegaconf\.|sgm\.|ldm\.)[\w.]+$/;

const UNSAFE_TAGS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\s*loader_module:\s*(?!mlflow\.|["']?mlflow\.)\S/m, 'a module that its loader imports'],
  [/!!?python\/|!!(?:javax?|ruby)[./]|tag:yaml\.org,2002:python\//, 'a YAML tag that makes its loader call a function'],
  [
    /<!ENTITY\b|<!DOCTYPE\b[^>]{0,200}\b(?:SYSTEM|PUBLIC)\s+["'](?!-\/\/|http:\/\/www\.w3\.org)/i,
    'an XML entity that reads a file or an address',
  ],
];

/** What a text would do if its reader trusted it. Examples in fenced blocks of a model card are only shown. */
export function findTextHarm(text: string): { rule: TextRule; what: string } | undefined {
  const prose = text
    .split(/^\s{0,3}(?:```|~~~)/m)
    .filter((_, index) => index % 2 === 0)
    .join('\n');
  const tag = UNSAFE_TAGS.find(([pattern]) => pattern.test(text));
  if (tag !== undefined) return { rule: 'text.unsafe-tag', what: tag[1] };
  const escape = /\{[{%]/.test(text) ? findTemplateEscape(text) : undefined;
  if (escape !== undefined) return { rule: 'template.escape', what: `a template that ${escape}` };
  for (const [, target = ''] of text.matchAll(/\b_target_["']?\s*[:=]\s*["']?([^\s"',}]{1,300})/g)) {
    if (!TARGETS.test(target)) return { rule: 'text.unsafe-tag', what: `a configuration that calls ${target}` };
  }
  const script = SCRIPTS.find(([pattern]) => pattern.test(prose));
  return script === undefined ? undefined : { rule: 'text.script', what: script[1] };
}
