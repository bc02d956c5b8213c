import { createHash } from 'node:crypto';
import type { LookAtPolicy } from '../../events/look-at-policy/v1.ts';
import {
  outboxPut,
  type PolicyLook,
  PolicyLookRow,
  queryAll,
  shardOf,
  SWEEP_SHARDS,
  type TierPolicyInForce,
} from '../catalog/index.ts';
import { canonicalJson } from '../shared/canonicalJson.ts';
import { CorrelationId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, type EpochMs } from '../shared/units.ts';

/** Ranges of digests that each shard is looked at in: so many times more chains of messages than a sweep has. */
const RANGES = 4;
/** Parts that a look goes over at once, each a chain of messages. */
export const LOOK_PARTS = SWEEP_SHARDS * RANGES;
/** What a part has found is kept for so long after its last page. */
export const LOOK_REMEMBERED_MS = 90 * DAY_MS;
const DIGITS = 16 / RANGES;

/** The rows of a part in the index: those of one shard within a range of digests. */
export function rowsOfPart(part: number): { readonly partition: string; readonly from: string; readonly to: string } {
  const first = Math.floor(part / SWEEP_SHARDS) * DIGITS;
  const [from, last] = [first, first + DIGITS - 1].map((digit) => digit.toString(16));
  return { partition: `SWEEP#${part % SWEEP_SHARDS}`, from: from ?? '', to: `${last}\u{10ffff}` };
}

export function lookPartOf(digest: Digest): number {
  const range = Math.floor(Number.parseInt(digest.slice(0, 1), 16) / DIGITS);
  return shardOf(digest, SWEEP_SHARDS) + SWEEP_SHARDS * range;
}

const PLACE_DIGITS = 8;

/** How much of its part lies behind a digest, from 0 to 1: digests are uniform, and pages go in their order. */
export function placeInPart(digest: Digest): number {
  const place = (Number.parseInt(digest.slice(0, PLACE_DIGITS), 16) / 16 ** PLACE_DIGITS) * RANGES;
  return place - Math.floor(place);
}

/** Names the look at a change beside what was in force as it began; undefined where nothing waits. */
export function lookIdOf({ change, inForce, settings, version }: TierPolicyInForce): string | undefined {
  if (change === undefined) return undefined;
  const { sweptAt, to, settings: wanted = null, version: next } = change;
  const versions = next === undefined ? {} : { version: version ?? null, next };
  const sides = canonicalJson({ inForce: inForce ?? null, settings: settings ?? null, to, wanted, ...versions });
  return `${sweptAt}-${createHash('sha256').update(sides).digest('hex').slice(0, 12)}`;
}

/** What the parts of a look have found so far, those without a row nothing; merged by whoever reads it. */
export async function partsOf(catalog: CatalogStore, row: TierPolicyInForce): Promise<readonly PolicyLook[]> {
  const lookId = lookIdOf(row);
  if (lookId === undefined) return [];
  const items = await queryAll(catalog, { partition: `POLICYLOOK#${lookId}` });
  return items.map((item) => PolicyLookRow.parse(item).value);
}

/** For how long no part of a look has gone on; undefined where none has begun. */
export function stoodMs(parts: readonly PolicyLook[], now: EpochMs): number | undefined {
  const last = Math.max(...parts.map(({ expiresAt }) => expiresAt));
  return parts.length === 0 ? undefined : now - (last - LOOK_REMEMBERED_MS);
}

/** What begins a look. */
export function lookMessages(lookId: string, now: EpochMs): readonly Change[] {
  const correlationId = CorrelationId.parse(`look-${lookId}`);
  return Array.from({ length: LOOK_PARTS }, (_, part) => {
    const body: LookAtPolicy = { schema: 'look-at-policy/1', lookId, part, correlationId };
    return outboxPut({ id: `look-${lookId}-${part}`, queue: 'sweep', body }, now);
  });
}
