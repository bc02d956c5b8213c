import type { Json } from '../../shared/canonicalJson.ts';
import { frozen } from '../../shared/frozen.ts';

type JsonObject = { readonly [name: string]: Json | undefined };

/** Texts of so many characters together are remembered at least, and of twice as many at most. */
const REMEMBERED = 4_000_000;

/**
 * Parses JSON objects whose texts come again and again, as those of rows do: the same text answers the same object, frozen
 * to its depth, for as long as it is remembered. Throws what `JSON.parse` throws.
 */
export function createTextParser(remembered = REMEMBERED): (text: string) => JsonObject {
  // What was asked for since `newer` was begun, and before it; that is forgotten when `newer` is full.
  let newer = new Map<string, JsonObject>();
  let older = newer;
  let characters = 0;
  return (text) => {
    const known = newer.get(text);
    if (known !== undefined) return known;
    const value: JsonObject = older.get(text) ?? frozen(JSON.parse(text));
    if (characters + text.length > remembered) {
      older = newer;
      newer = new Map();
      characters = 0;
    }
    newer.set(text, value);
    characters += text.length;
    return value;
  };
}
