import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OFFER_CODES, type OfferCode } from '../../../lib/pricing/index.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/prices');

/** A hand-written excerpt of AWS's price lists for us-east-1 in their documented format, by offer. */
export const OFFERS = Object.fromEntries(
  OFFER_CODES.map((code) => [code, readFileSync(join(FOLDER, `${code}.us-east-1.json`), 'utf8')]),
) as Readonly<Record<OfferCode, string>>;

/** The same lists as another region would publish them: its code, and its abbreviation before each usage type. */
export function offersOf(region: string, prefix: string): Readonly<Record<OfferCode, string>> {
  return Object.fromEntries(
    Object.entries(OFFERS).map(([code, json]) => [
      code,
      json
        .replaceAll('"us-east-1"', `"${region}"`)
        .replaceAll('"usagetype": "', `"usagetype": "${prefix}`)
        .replaceAll('US East (N. Virginia)', region),
    ]),
  ) as Readonly<Record<OfferCode, string>>;
}
