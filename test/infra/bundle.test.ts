import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { parseDecidingBook } from '../../lib/pricing/index.ts';
import { synthesize } from './templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('an operator’s price book travels in the bundle, where the function finds it before it reads its settings', () => {
  const file = 'docs/examples/own-minio.json';
  const book = synthesize({ priceBook: file }).settings.priceBook;
  expect(JSON.parse(book)).toEqual(
    JSON.parse(JSON.stringify(parseDecidingBook(JSON.parse(readFileSync(file, 'utf8'))))),
  );
  bundleFunctions(['start-sweep'], folder, book);
  const index = join(folder, 'start-sweep/index.js');
  // Without the rest of its environment the function says what it lacks; the book is there by then.
  const script = `try { require(${JSON.stringify(index)}) } catch {} process.stdout.write(process.env.STRATA_PRICE_BOOK)`;
  expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe(book);
});
