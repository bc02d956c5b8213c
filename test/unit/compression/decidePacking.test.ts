import { describe, expect, it } from 'vitest';
import { type PackingFacts, packRefusal } from '../../../lib/compression/index.ts';
import { MIB } from '../../../lib/shared/units.ts';

const PART = 64 * MIB;
const facts: PackingFacts = { bytes: 10_000 * PART, partSize: PART, instant: true, packed: false, ratio: 0.6 };

describe('what cannot be packed', () => {
  it.each([
    ['a blob of 10,000 parts can be', {}, undefined],
    ['one of more parts', { bytes: 10_000 * PART + 1 }, 'too-many-parts'],
    ['what is packed already', { packed: true, instant: false }, 'already-packed'],
    ['what is archived', { instant: false }, 'archived'],
    ['what was never measured', { ratio: undefined }, 'not-measured'],
  ] as const)('%s', (_, other, refusal) => {
    expect(packRefusal({ ...facts, ...other })).toBe(refusal);
  });
});
