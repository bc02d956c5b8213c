import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { decodeText, encodingOf, TEXT_HEAD } from '../pickle/encoded.ts';
import { explorePickle } from '../pickle/explore.ts';
import { createBufferReader } from '../rangedReader.ts';
import type { Json } from '../strictJson.ts';

/** stable-baselines3 keeps what JSON cannot hold under this key, as a pickle in base64 that its loader unpickles. */
const SERIALIZED = ':serialized:';
/** Texts of vocabularies rarely begin as an encoded pickle does. */
const MAX_PICKLES = 10_000;

/** Judges the pickles that texts of a JSON file spell: those that a loader is known to unpickle whole, others if they do harm. */
export async function judgeEncodedPickles(json: Json, inspection: Inspection): Promise<void> {
  let count = 0;
  for (const [key, text] of stringsOf(json, '')) {
    const encoding = encodingOf(Buffer.from(text.slice(0, TEXT_HEAD)), text.length);
    const isSpelled = encoding === 'base64' || encoding === 'hex';
    if (key !== SERIALIZED && !isSpelled) continue;
    inspection.checkTime();
    count += 1;
    if (count > MAX_PICKLES) throw new RefusedError('file.too-large', `more than ${MAX_PICKLES} texts like pickles`);
    if (key === SERIALIZED) {
      await inspection.inspectInside(key, createBufferReader(Buffer.from(text, 'base64')));
    } else if (isSpelled) {
      const { findings, harmful } = await explorePickle(createBufferReader(decodeText(Buffer.from(text), encoding)));
      if (harmful) inspection.report('pickle.nested', `${key} spells a pickle that ${findings[0] ?? 'calls'}`);
    }
  }
}

/** Every text with the key that it stands under. */
function* stringsOf(json: Json, key: string): Generator<readonly [key: string, text: string]> {
  if (typeof json === 'string') yield [key, json];
  else if (Array.isArray(json)) for (const item of json) yield* stringsOf(item, key);
  else if (json instanceof Map) for (const [name, value] of json) yield* stringsOf(value, name);
}
