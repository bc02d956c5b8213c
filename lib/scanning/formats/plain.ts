import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { explorePickle } from '../pickle/explore.ts';
import type { RangedReader } from '../rangedReader.ts';
import { type Json, parseStrictJson } from '../strictJson.ts';
import type { Format } from '../verdict.ts';
import { findTemplateEscape } from './chatTemplate.ts';
import { judgePickles } from './pickleFile.ts';

/** Tokenisers and vocabularies are the largest texts beside a model. */
const MAX_TEXT = 64 * 1024 * 1024;

/** Judges what has no mark of its own: JSON, a pickle of protocol 0 or 1, text, or nothing known. */
export async function judgePlain(reader: RangedReader, head: Uint8Array, inspection: Inspection): Promise<Format> {
  const first = Buffer.from(head.subarray(0, 1024)).toString('latin1').trimStart()[0];
  if ((first === '{' || first === '[') && reader.size <= MAX_TEXT) {
    const json = await readJson(reader);
    if (json !== undefined) {
      judgeJson(json, inspection, '', 0);
      return 'json';
    }
  }
  const { complete, findings } = await explorePickle(reader);
  if (complete || findings.length > 0) return judgePickles(reader, inspection, { persistentIds: 'none' });
  const text = await readText(reader);
  if (text === undefined) {
    throw new RefusedError('file.unknown-format', 'the content is of no format that the scanner reads');
  }
  const script = findScript(text);
  if (script !== undefined) inspection.report('text.script', script);
  return 'text';
}

async function readJson(reader: RangedReader): Promise<Json | undefined> {
  try {
    const bytes = await reader.read(0, reader.size);
    return parseStrictJson(bytes, { rule: 'json.malformed', maxDepth: 100, maxValues: 5_000_000 });
  } catch (error) {
    if (error instanceof RefusedError) return undefined;
    throw error;
  }
}

/** Configurations name code: a template that hosts render, or classes that `trust_remote_code` would import. */
function judgeJson(json: Json, inspection: Inspection, key: string, depth: number): void {
  if (typeof json === 'string') {
    const escape = /template/i.test(key) ? findTemplateEscape(json) : undefined;
    if (escape !== undefined) inspection.report('template.escape', `${key} ${escape}`);
    return;
  }
  if (Array.isArray(json)) for (const item of json) judgeJson(item, inspection, key, depth + 1);
  if (!(json instanceof Map)) return;
  for (const [name, value] of json) {
    if (name === 'auto_map' && value !== null) {
      inspection.report('json.code', 'auto_map: hosts that trust remote code would import Python of this repository');
    }
    judgeJson(
      value,
      inspection,
      name === 'template' || name === 'chat_template' ? name : `${key}.${name}`.slice(-200),
      depth + 1,
    );
  }
}

/** UTF-8 without control characters but white space. */
async function readText(reader: RangedReader): Promise<string | undefined> {
  if (reader.size > MAX_TEXT) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await reader.read(0, reader.size));
    return /(?![\t\n\v\f\r\u0085])\p{Cc}/u.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

const SCRIPTS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^#!/, 'a script for a shell'],
  [/^(?:import [A-Za-z_][\w.]*|from [A-Za-z_.][\w.]* import )/m, 'Python source'],
  [/^(?:async )?def [A-Za-z_]\w*\s*\(/m, 'Python source'],
  [/<script\b/i, 'a page with a script'],
  [/<\?php\b/, 'PHP source'],
];

/** Code, but not the examples in fenced blocks of a model card. */
function findScript(text: string): string | undefined {
  const prose = text.split(/^\s{0,3}(?:```|~~~)/m).filter((_, index) => index % 2 === 0);
  return SCRIPTS.find(([pattern]) => prose.some((part) => pattern.test(part)))?.[1];
}
