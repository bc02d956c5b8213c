import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { explorePickle } from '../pickle/explore.ts';
import { decodeUtf8 } from '../pickle/operands.ts';
import type { RangedReader } from '../rangedReader.ts';
import { type Json, parseStrictJson } from '../strictJson.ts';
import type { Format } from '../verdict.ts';
import { judgeEncodedPickles } from './jsonPickles.ts';
import { judgeJsonFile } from './jsonRules.ts';
import { judgePickles } from './pickleFile.ts';
import { findTextHarm } from './textRules.ts';

/** Tokenisers and vocabularies are the largest texts beside a model. */
const MAX_TEXT = 64 * 1024 * 1024;

const JSON_LIMITS = { rule: 'json.malformed', maxDepth: 100, maxValues: 5_000_000, nonFinite: true } as const;

/** Judges what has no mark of its own: JSON, a pickle of protocol 0 or 1, text, or nothing known. */
export async function judgePlain(reader: RangedReader, head: Uint8Array, inspection: Inspection): Promise<Format> {
  const first = Buffer.from(head.subarray(0, 1024)).toString('latin1').trimStart()[0];
  if ((first === '{' || first === '[') && reader.size <= MAX_TEXT) {
    const json = await readJson(reader);
    if (json !== undefined) {
      judgeJsonFile(json, inspection);
      await judgeEncodedPickles(json, inspection);
      return 'json';
    }
  }
  const { complete, findings } = await explorePickle(reader);
  if (complete || findings.length > 0) return judgePickles(reader, inspection, { persistentIds: 'none' });
  if (reader.size > MAX_TEXT && textOf(head, true) !== undefined) {
    throw new RefusedError('file.too-large', `begins like a text, and has ${reader.size} bytes`);
  }
  const text = await readText(reader);
  if (text === undefined) {
    throw new RefusedError('file.unknown-format', 'the content is of no format that the scanner reads');
  }
  const harm = findTextHarm(text);
  if (harm !== undefined) inspection.report(harm.rule, harm.what);
  return 'text';
}

/**
 * The values of a JSON file, or of its lines where each is one. Undefined where the bytes do not begin like an object with
 * keys or are a list of something else, as a vocabulary may be; an object that is no strict JSON is refused, because
 * readers differ in what they see in it.
 */
async function readJson(reader: RangedReader): Promise<Json | undefined> {
  const bytes = await reader.read(0, reader.size);
  try {
    return parseStrictJson(bytes, JSON_LIMITS);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const text = decodeUtf8(bytes)?.trim();
    if (text === undefined || !/^\{\s*["}]/.test(text)) return undefined;
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length < 2 || !/^\{.*\}\s*$/.test(lines[0] ?? '')) throw error;
    return lines.map((line) => parseStrictJson(Buffer.from(line), JSON_LIMITS));
  }
}

async function readText(reader: RangedReader): Promise<string | undefined> {
  if (reader.size > MAX_TEXT) return undefined;
  return textOf(await reader.read(0, reader.size), false);
}

/** UTF-8 without control characters but white space; `isCut`: its last character may be a part of one. */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
    return /(?![\t\n\v\f\r\u0085])\p{Cc}/u.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
