import { describe, expect, it } from 'vitest';
import { decideRemoval, type RemovalFacts } from '../../../lib/ingest/decideRemoval.ts';
import { UploadValue, VersionValue } from '../../../lib/catalog/index.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const DIGEST = 'a'.repeat(64);
const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';

const upload = (over: object = {}) =>
  UploadValue.parse({
    key: 'uploads/tiny/1.0.0/a.bin',
    versionId: 'v1',
    state: 'ready',
    size: 10,
    etag: 'e',
    target: { model: 'tiny', version: '1.0.0', file: 'a.bin' },
    correlationId: 'c',
    observedAt: 0,
    movedAt: 1_000,
    hop: 0,
    digest: DIGEST,
    ...over,
  });

const version = (over: object = {}) =>
  VersionValue.parse({
    model: 'tiny',
    version: '1.0.0',
    files: [{ file: 'a.bin', role: 'weights', kind: 'other', digest: DIGEST, size: 10 }],
    publishedAt: 0,
    correlationId: 'c',
    deprecated: false,
    ...over,
  });

const facts = (over: Partial<RemovalFacts> = {}): RemovalFacts => ({
  upload: upload(),
  published: version(),
  tombstone: undefined,
  copyIsWhole: true,
  now: EpochMs.parse(1_100),
  graceMs: 100,
  keepMs: 500,
  ...over,
});

const LATE = { now: EpochMs.parse(1_500) };
const unpublished = { published: undefined, copyIsWhole: false };
const strataJson = upload({
  target: { model: 'tiny', version: '1.0.0', file: 'strata.json' },
  set: SET,
  digest: undefined,
});
const refused = upload({ state: 'quarantined', quarantine: { reason: 'malicious', text: 't' } });

describe('the bytes of an upload', () => {
  it.each([
    ['go when they are published and the grace is over', facts(), 'remove published'],
    ['stay during the grace', facts({ now: EpochMs.parse(1_099) }), 'keep young'],
    [
      'stay during the grace after the rest of their set came',
      facts({ published: version({ publishedAt: 1_450 }), ...LATE }),
      'keep young',
    ],
    ['stay while their copy is not whole', facts({ copyIsWhole: false, ...LATE }), 'keep copy-missing'],
    [
      'stay under a legal hold',
      facts({ published: version({ hold: { reason: 'r', since: 0 } }), ...LATE }),
      'keep held',
    ],
    ['go although the version was deleted, which can be undone', facts({ tombstone: 'deleted' }), 'remove published'],
    ['are left to a purge under way', facts({ tombstone: 'purging', ...LATE }), 'keep being-purged'],
    ['go after a purge, which left no copy', facts({ tombstone: 'purged', copyIsWhole: false }), 'remove purged'],
    ['stay while their set is not complete', facts(unpublished), 'keep unpublished'],
    ['go when it never is', facts({ ...unpublished, ...LATE }), 'remove never-published'],
    [
      'stay as long where the version has others under that name',
      facts({ upload: upload({ digest: 'b'.repeat(64) }) }),
      'keep unpublished',
    ],
    ['go with the version where they are its strata.json', facts({ upload: strataJson }), 'remove published'],
    ['stay in quarantine for its own time', facts({ upload: refused }), 'keep young'],
    ['go from quarantine after it', facts({ upload: refused, ...LATE }), 'remove quarantined-for-long'],
    ['stay as long when they were cancelled', facts({ upload: upload({ state: 'cancelled' }) }), 'keep young'],
    ['go then', facts({ upload: upload({ state: 'cancelled' }), ...LATE }), 'remove cancelled'],
    ['stay while a digest is to come', facts({ upload: upload({ state: 'digesting' }), ...LATE }), 'keep open'],
    ['stay while a verdict is to come', facts({ upload: upload({ state: 'observed' }), ...LATE }), 'keep open'],
    [
      'go on going, whatever has become of the rest',
      facts({ ...unpublished, upload: upload({ removal: { at: 0, reason: 'published', done: false } }) }),
      'remove published',
    ],
    ['are gone once', facts({ upload: upload({ removal: { at: 0, reason: 'published', done: true } }) }), 'keep gone'],
  ] as const)('%s', (_name, given, expected) => {
    const { action, reason } = decideRemoval(given);
    expect(`${action} ${reason}`).toBe(expected);
  });
});
