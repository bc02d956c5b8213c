import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatCount } from '../../../lib/shared/formatCount.ts';

it.each([
  [[0, 'object'], '0 objects'],
  [[1, 'object'], '1 object'],
  [[2, 'object'], '2 objects'],
  [[1, 'fetch', 'fetches'], '1 fetch'],
  [[2, 'fetch', 'fetches'], '2 fetches'],
] as const)('of %j is %s', ([count, noun, plural], text) => {
  expect(formatCount(count, noun, plural)).toBe(text);
});

const COUNTED =
  /accesses|blobs|copies|days|decisions|fetches|files|hosts|lines|messages|models|moves|objects|processors|references|retries|shards|tensors|uploads|versions/;
/** A count before its noun that is put there by hand: a call among its own would have been the helper's. */
const BY_HAND = new RegExp(`\\$\\{[\\w.?\\[\\] ]+\\} (${COUNTED.source})\\b`);

it.each(['cli', 'runtime/start'])('counts whatever %s tells people', (room) => {
  const root = join(import.meta.dirname, '../../..', room);
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(sources.length).toBeGreaterThan(5);
  const byHand = sources.flatMap((name) => {
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    return lines.filter((line) => BY_HAND.test(line)).map((line) => `${name}: ${line.trim()}`);
  });
  expect(byHand).toEqual([]);
});
