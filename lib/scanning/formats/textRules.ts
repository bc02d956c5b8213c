import { findTemplateEscape, findWrittenEscape } from './chatTemplate.ts';

type TextRule = 'text.script' | 'text.unsafe-tag' | 'template.escape';

/**
 * Source code and documents that run something. Linear patterns only, since texts of 64 MiB are read: a repetition never runs over what
 * the pattern may begin with, nor over the ends of lines.
 */
const SCRIPTS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^#!/, 'a script for a shell'],
  [/^@echo off/im, 'a batch file'],
  [/^[ \t]*(?:import [A-Za-z_][\w.]*|from [A-Za-z_.][\w.]* import )/m, 'Python source'],
  [/^[ \t]*(?:async )?def [A-Za-z_]\w*\s*\(/m, 'Python source'],
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
  [/^[ \t]*(?:base::)?system2?\s*\(\s*['"]/m, 'R source that runs a command'],
  [/^Exec[ \t]*=/m, 'a launcher of a program'],
  [/^[ \t]*(?:sudo\s+)?rm\s+-[a-z]{0,8}[rf][a-z]{0,8}\s+[/~]/m, 'a command that deletes files'],
  [
    /^[ \t]*(?:-\s+)?[\w.-]{1,100}(?:\[[\w,]{1,100}\])?[ \t]*@\s*(?:git\+)?(?:https?|ssh):\/\/|^--(?:extra-)?index-url\s/m,
    'a list of packages from addresses',
  ],
  [/\/dev\/tcp\/|\bnc\s+-[a-z]*e\b|\bbash\s+-i\b|^[ \t]*chmod\s+\+x\b/m, 'commands for a shell'],
  [/\bCreateObject\s*\(|\bWScript\.Shell\b/i, 'a Visual Basic script'],
  [/^[=+@]\w*\|'?\/?[^\n!]{0,500}![A-Z]+[0-9]/m, 'a cell that starts a program'],
  [/^\[(?:autorun|InternetShortcut)\]|^Windows Registry Editor\b/im, 'settings that start a program'],
  [/http-equiv\s*=\s*["']?refresh/i, 'a page that leads elsewhere'],
  [/^BEGIN\s*\{|^use strict;|^command="/m, 'source that runs a command'],
  [/^[ \t]*class\s+[A-Za-z_]\w*\s*(?:\([^)\n]{0,200}\))?:\s*$/m, 'Python source'],
  [/=\s*lambda\b[^\n:=]{0,80}:|\b__builtins__\b/, 'Python source'],
  [/\bdocument\.(?:cookie|write|location)\b|\bwindow\.location\b|\bfetch\s*\(\s*['"]/, 'JavaScript source'],
  [/\bint\s+main\s*\(|^[ \t]*#include\s*[<"]/m, 'C source'],
  [/\bchild_process\b|\brequire\s*\(/, 'JavaScript source'],
  [/(?=\|\s*(?:sudo\s+)?(?:ba|z)?sh\b)(?<=\b(?:curl|wget)\s[^\n|]{0,200})/, 'a command that runs what it downloads'],
];

/** Libraries whose classes a configuration of hydra may name: building blocks of models, no loaders. */
export const TARGETS =
  /^(?!.*\.(?:os|sys|subprocess|importlib|builtins|shutil|pickle|runpy|ctypes|socket)\.)(?:nemo\.|torch\.(?:nn|optim)\.|pytorch_lightning\.|lightning\.|transformers\.|diffusers\.|omegaconf\.|sgm\.|ldm\.)[\w.]+$/;

const UNSAFE_TAGS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bloader_module["']?\s*:\s*(?!mlflow\.|["']?mlflow\.)\S/, 'a module that its loader imports'],
  [/!!?python\/|!!(?:javax?|ruby)[./]|tag:yaml\.org,2002:python\//, 'a YAML tag that makes its loader call a function'],
  [
    /<!ENTITY\b|<!DOCTYPE\b[^<>]{0,200}\b(?:SYSTEM|PUBLIC)\s+["'](?!-\/\/|http:\/\/www\.w3\.org)/i,
    'an XML entity that reads a file or an address',
  ],
  [/!(?:!|<tag:)[^\s>!]{0,200}%[0-9a-f]{2}/i, 'a YAML tag that hides its name'],
  [/^%TAG[ \t]+\S+[ \t]+tag:yaml\.org,2002:\S/m, 'a YAML tag that hides its name'],
  [
    /!(?:new|name|apply|module):(?:os|sys|posix|nt|subprocess|builtins|importlib|shutil|runpy|pty|socket|pickle|ctypes)\b/,
    'a YAML tag that makes its loader call a function',
  ],
  [
    /^[ \t]*(?:-[ \t]+)?target:[ \t]*["']?(?:os|sys|posix|nt|subprocess|builtins|importlib|shutil|runpy|pty|socket|pickle|ctypes)\./m,
    'a configuration that calls a function of Python',
  ],
  [
    /<xi:include\b|\bxmlns:\w+\s*=\s*["']http:\/\/www\.w3\.org\/2001\/XInclude/i,
    'XML that includes a file or an address',
  ],
  [/<\?xml-stylesheet\b/i, 'XML that is shown by a program from an address'],
  [/^(?:RDA[0-9]\n)?A\n[0-9]+\n[0-9]+\n[0-9]+\n/, 'objects of R, which may run code when they are used'],
  [
    /^[ \t]*op:[ \t]*["'](?:(?:Eager)?PyFunc(?:Stateless)?|ReadFile|WriteFile|MatchingFiles|LoadLibrary|PrintV2|SaveSlices)["']/m,
    'a graph of TensorFlow that reads or writes files or runs Python',
  ],
  [/^[ \t]*python_param[ \t]*:?[ \t]*\{|^[ \t]*type:[ \t]*["']Python["']/m, 'a layer of Caffe that imports Python'],
  [/\bclass_name:[ \t]*["']?(?:Lambda|TFOpLambda)\b/, 'a layer of Keras that runs code'],
  [/<layer\b[^<>]{0,500}\blibrary\s*=/i, 'a layer that loads a library'],
];

/** Characters; longer texts are vocabularies, in which braces are tokens. */
const MAX_TEMPLATE = 256 * 1024;

/** What a text would do if its reader trusted it. Examples in fenced blocks of a model card are only shown. */
export function findTextHarm(text: string): { rule: TextRule; what: string } | undefined {
  const prose = text
    .split(/^\s{0,3}(?:```|~~~)/m)
    .filter((_, index) => index % 2 === 0)
    .join('\n');
  const tag = UNSAFE_TAGS.find(([pattern]) => pattern.test(text));
  if (tag !== undefined) return { rule: 'text.unsafe-tag', what: tag[1] };
  const find = text.length < MAX_TEMPLATE ? findTemplateEscape : findWrittenEscape;
  const escape = /\{[{%]/.test(text) ? find(text) : undefined;
  if (escape !== undefined) return { rule: 'template.escape', what: `a template that ${escape}` };
  for (const [, target = ''] of text.matchAll(/\b_target_["']?\s*[:=]\s*["']?([^\s"',}]{1,300})/g)) {
    if (!TARGETS.test(target)) return { rule: 'text.unsafe-tag', what: `a configuration that calls ${target}` };
  }
  const script = SCRIPTS.find(([pattern]) => pattern.test(prose));
  return script === undefined ? undefined : { rule: 'text.script', what: script[1] };
}
