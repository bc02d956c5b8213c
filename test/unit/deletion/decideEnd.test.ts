import { describe, expect, it } from 'vitest';
import { decideEnd, type EndFacts, recordEnd, replayDelete } from '../../../lib/deletion/decideEnd.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest, HostId, Location, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 5, 1));
const ago = (days: number) => EpochMs.parse(NOW - days * DAY_MS);
const rates = compileRates(shippedPriceBook());
const NAMED = { model: ModelName.parse('flux'), version: SemVer.parse('1.0.0') };
const OTHER = { model: ModelName.parse('sdxl'), version: SemVer.parse('1.0.0') };
const ORIGIN = {
  location: Location.parse('s3:eu-west-1:GLACIER_IR'),
  state: 'verified' as const,
  pinned: false,
  versionId: 'v1',
};
const BYTES = {
  object: 'bytes' as const,
  versionId: 'v1',
  etag: 'e',
  size: Bytes.parse(2 ** 30),
  named: Bytes.parse(2 ** 30),
};
const WINDOW = { ...NAMED, state: 'purging' as const, deletedAt: ago(8), purgeAfter: ago(1) };
const onHost = (over: object) => ({ ...ORIGIN, host: HostId.parse('gpu-a'), ...over });

const facts = (over: Partial<EndFacts> = {}): EndFacts => ({
  digest: Digest.parse('a'.repeat(64)),
  bytes: Bytes.parse(2 ** 30),
  storageClass: 'GLACIER_IR',
  createdAt: ago(40),
  transitionedAt: ago(30),
  version: WINDOW,
  references: [NAMED],
  copies: [ORIGIN],
  objects: [BYTES],
  ...over,
});

describe('the end of a blob', () => {
  it.each([
    ['its window is not over', { version: { ...WINDOW, purgeAfter: EpochMs.parse(NOW + 1) } }, 'not-due'],
    ['a hold stands', { version: { ...WINDOW, hold: { reason: 'case 7', since: ago(9) } } }, 'held'],
    ['its retention is not over', { version: { ...WINDOW, retainUntil: NOW } }, 'retained'],
    ['its purge has ended', { version: { ...WINDOW, state: 'purged' as const } }, 'finished'],
    [
      'no version has it, since yesterday',
      { version: undefined, references: [], unreferencedAt: ago(1) },
      'not-forgotten',
    ],
    ['another version needs it', { references: [NAMED, OTHER] }, 'shared'],
    ['a host has pinned it', { copies: [ORIGIN, onHost({ pinned: true })] }, 'pinned'],
    ['a host fills it', { copies: [onHost({ state: 'reserved' })] }, 'being-filled'],
    ['a host lets go of it', { copies: [onHost({ state: 'evicting' })] }, 'being-evicted'],
    ['a silent host may have it', { copies: [onHost({ state: 'unknown' })] }, 'on-hosts'],
    ['the bucket has other bytes', { objects: [{ ...BYTES, size: Bytes.parse(7) }] }, 'object-differs'],
  ])('does not come while %s', (_what, over, reason) => {
    expect(decideEnd(facts(over), rates, NOW)).toEqual({ action: 'keep', reason });
    expect(replayDelete(JSON.stringify(recordEnd(facts(over), NOW)), rates)).toEqual({ action: 'keep', reason });
  });

  it.each([
    ['of a deleted version', {}],
    ['that no version has had for long', { version: undefined, references: [], unreferencedAt: ago(30) }],
  ])('%s comes with the dollars that it saves and still costs', (_what, over) => {
    const decided = decideEnd(facts(over), rates, NOW);
    // One binary GB of GLACIER_IR at $0.004 a month; 60 of its 90 days are still charged.
    expect(decided).toMatchObject({ action: 'delete', usdPerMonth: 0.004 });
    expect(decided.action === 'delete' && decided.earlyDeletionUsd).toBeCloseTo((0.004 * 60 * 12) / 365, 4);
    expect(replayDelete(JSON.stringify(recordEnd(facts(over), NOW)), rates)).toEqual(decided);
  });
});
