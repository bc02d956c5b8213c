import { findAssembledName } from './template/assembled.ts';

/**
 * What a chat template could use to climb from a value to Python's modules (CVE-2024-34359: such a template runs code
 * in hosts that render it without Jinja's sandbox). Templates of published models use none of it. All are linear.
 */
const ESCAPES: readonly (readonly [pattern: RegExp, what: string])[] = [
  [
    /__(?:class|bases?|mro|subclasses|globals|builtins|init|import|getattribute|getattr|dict|code|closure|self|module|reduce|reduce_ex|getitem|call|enter|loader|spec|new|func|wrapped|kwdefaults|annotations)__/,
    'reaches for a special attribute of Python objects',
  ],
  [/\\x5f|\\u005f|\\U0000005f|\\137|\\N\{LOW LINE\}/i, 'hides an underscore behind an escape'],
  [/(['"])(?:_{1,2}|__\w{1,40}|\w{1,40}__)\1/, 'assembles a name from underscores'],
  [/\|\s*attr\b|\|\s*(?:map|select|reject)\s*\(\s*(['"])attr\1/, 'reads an attribute by a computed name'],
  [/\b(?:lipsum|cycler|joiner|url_for|get_flashed_messages)\b\s*[.[|(}]/, 'uses a global of the template engine'],
  [/\bself\s*\._/, 'inspects the template itself'],
  [/\{%[-+]?\s*(?:include|import|from|extends)\b/, 'loads another template'],
  [/\.\s*(?:mro|popen|func_globals|gi_frame|cr_frame|f_globals|f_builtins|tb_frame)\b/, 'reaches for the interpreter'],
  [/\bos\s*\.\s*(?:popen|system|environ)\b/, 'runs a command'],
  [/%c[^}%]{0,200}\|\s*format\b/, 'assembles a name from character codes'],
];

/** Answers what in the template leaves the world of messages, if anything does. */
export function findTemplateEscape(template: string): string | undefined {
  return findWrittenEscape(template) ?? findAssembledName(template);
}

/** As `findTemplateEscape`, for what is too long to be a template: only what is written out. */
export function findWrittenEscape(text: string): string | undefined {
  return ESCAPES.find(([pattern]) => pattern.test(text))?.[1];
}
