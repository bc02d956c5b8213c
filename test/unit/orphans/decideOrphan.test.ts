import { assert, boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Orphan, OrphanValue } from '../../../lib/catalog/index.ts';
import { decideOrphan, isImplausible, type OrphanFacts } from '../../../lib/orphans/decideOrphan.ts';
import { Bytes, DAY_MS, DurationMs, EpochMs } from '../../../lib/shared/units.ts';

const NOW = 30 * DAY_MS;
const daysAgo = (days: number) => EpochMs.parse(NOW - days * DAY_MS);

const mark = (over: Partial<Orphan> = {}): Orphan =>
  OrphanValue.parse({
    digest: 'a'.repeat(64),
    object: 'bytes',
    versionId: 'v1',
    state: 'condemned',
    etag: 'e1',
    size: 10,
    condemnedAt: daysAgo(7),
    expiresAt: NOW,
    ...over,
  });

const version = (over: object = {}): OrphanFacts['version'] => ({
  object: 'bytes',
  versionId: 'v1',
  etag: 'e1',
  size: 10,
  lastModified: daysAgo(20),
  current: true,
  ...over,
});

const facts = (over: Partial<OrphanFacts> = {}): OrphanFacts => ({
  version: version(),
  blob: undefined,
  namedByReplicas: new Set(),
  referenced: false,
  actionPending: false,
  mark: undefined,
  now: EpochMs.parse(NOW),
  graceMs: DurationMs.parse(7 * DAY_MS),
  ...over,
});

const served = (versionId: string, whole = true) => ({ versionId, whole });

describe('a version under blobs/', () => {
  it.each([
    ['that the blob’s row names', facts({ blob: served('v1') }), 'keep', 'named'],
    ['that a copy’s row names', facts({ blob: served('v2'), namedByReplicas: new Set(['v1']) }), 'keep', 'named'],
    ['that is named and condemned', facts({ blob: served('v1'), mark: mark() }), 'keep', 'named'],
    [
      'that is the current manifest of a blob',
      facts({ version: version({ object: 'manifest' }), blob: served('v1') }),
      'keep',
      'named',
    ],
    ['that is younger than the grace', facts({ version: version({ lastModified: daysAgo(6.9) }) }), 'keep', 'young'],
    ['that a pending transition made', facts({ blob: served('v2'), actionPending: true }), 'keep', 'in-flight'],
    [
      'of a blob that has lost its origin',
      facts({ blob: served('v2', false), mark: mark() }),
      'keep',
      'origin-missing',
    ],
    ['of a blob that versions still refer to', facts({ referenced: true, mark: mark() }), 'keep', 'referenced'],
    ['that nothing names', facts(), 'condemn', 'unnamed'],
    ['beside the one that is served', facts({ blob: served('v2') }), 'condemn', 'unnamed'],
    [
      'that is an older manifest of a blob',
      facts({ version: version({ object: 'manifest', current: false }), blob: served('v1') }),
      'condemn',
      'unnamed',
    ],
    ['that is the manifest of no blob', facts({ version: version({ object: 'manifest' }) }), 'condemn', 'unnamed'],
    ['that is not what was condemned', facts({ mark: mark({ etag: 'e2' }) }), 'condemn', 'changed'],
    [
      'that is not as long as what was condemned',
      facts({ mark: mark({ size: Bytes.parse(11) }) }),
      'condemn',
      'changed',
    ],
    ['condemned a moment ago', facts({ mark: mark({ condemnedAt: daysAgo(6.9) }) }), 'wait', 'condemned'],
    ['condemned for the whole grace', facts({ mark: mark() }), 'delete', 'unnamed-for-long'],
    [
      'whose deletion was announced, by a clock that went back',
      facts({ mark: mark({ state: 'deleting' }), version: version({ lastModified: daysAgo(0) }) }),
      'delete',
      'unnamed-for-long',
    ],
    [
      'that is named although its deletion was announced',
      facts({ blob: served('v1'), mark: mark({ state: 'deleting' }) }),
      'keep',
      'named',
    ],
  ] as const)('%s', (_name, given, action, reason) => {
    expect(decideOrphan(given)).toEqual({ action, reason });
  });

  it('is never deleted while a row names it, or before twice the grace', () => {
    const arbitrary = record({
      age: integer({ min: 0, max: 20 }),
      condemned: option(integer({ min: 0, max: 20 }), { nil: undefined }),
      blob: constantFrom(undefined, 'v1', 'v2'),
      replica: constantFrom(undefined, 'v1', 'v2'),
      whole: boolean(),
      pending: boolean(),
      referenced: boolean(),
    });
    assert(
      property(arbitrary, ({ age, condemned, blob, replica, whole, pending, referenced }) => {
        const decision = decideOrphan(
          facts({
            version: version({ lastModified: daysAgo(age) }),
            blob: blob === undefined ? undefined : served(blob, whole),
            namedByReplicas: new Set(replica === undefined ? [] : [replica]),
            actionPending: pending,
            referenced,
            mark: condemned === undefined ? undefined : mark({ condemnedAt: daysAgo(condemned) }),
          }),
        );
        if (decision.action !== 'delete') return true;
        return blob !== 'v1' && replica !== 'v1' && age >= 7 && (condemned ?? 0) >= 7 && !pending;
      }),
    );
  });
});

describe('a page', () => {
  it.each([
    [99, 99, false],
    [100, 200, false],
    [101, 200, true],
    [300, 500, true],
  ])('with %i unnamed of %i versions is implausible: %s', (unnamed, versions, expected) => {
    expect(isImplausible(unnamed, versions)).toBe(expected);
  });
});
