import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { explorePickle } from '../pickle/explore.ts';
import type { RangedReader } from '../rangedReader.ts';
import { type Json, parseStrictJson } from '../strictJson.ts';
import type { Format } from '../verdict.ts';
import { judgeJsonFile } from './jsonRules.ts';
import { judgePickles } from './pickleFile.ts';
import { findTextHarm } from './textRules.ts';

/** Tokenisers and vocabularies are the largest texts beside a model. */
const MAX_TEXT = 64 * 1024 * 1024;

/** Judges what has no mark of its own: JSON, a pickle of protocol 0 or 1, text, or nothing known. */
export async function judgePlain(reader: RangedReader, head: Uint8Array, inspection: Inspection): Promise<Format> {
  const first = Buffer.from(head.subarray(0, 1024)).toString('latin1').trimStart()[0];
  if ((first === '{' || first === '[') && reader.size <= MAX_TEXT) {
    const json = await readJson(reader);
    if (json !== undefined) {
      judgeJsonFile(json, inspection);
      return 'json';
    }
  }
  const { complete, findings } = await explorePickle(reader);
  if (complete || findings.length > 0) return judgePickles(reader, inspection, { persistentIds: 'none' });
  const text = await readText(reader);
  if (text === undefined) {
    throw new RefusedError('file.unknown-format', 'the content is of no format that the scanner reads');
  }
  const harm = findTextHarm(text);
  if (harm !== undefined) inspection.report(harm.rule, harm.what);
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
