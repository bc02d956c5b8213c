import { readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '../../../agent/nvme/ledger.ts';
import { readManifest } from '../../../agent/nvme/manifest.ts';
import { FIRST_VOLUME } from '../../../agent/nvme/paths.ts';
import { planView } from '../../../agent/view/planView.ts';
import { createModelsView } from '../../../agent/view/view.ts';
import { Command, ViewEntry } from '../../../events/host-command/v1.ts';
import { partHash } from '../../../lib/shared/digest.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import type { ObjectReader } from '../../../lib/shared/ports/objectStore.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';
import { PART } from './agentWorld.ts';
import { createHostileFolder, HOSTILE, type HostileFolder, hostileText } from './hostileFolder.ts';

/** Commands, manifests and ledgers as attackers write them: refused, or harmless. */
let folder: HostileFolder;
beforeEach(async () => {
  folder = await createHostileFolder();
});
afterEach(() => folder.remove());

describe('a command', () => {
  const digest = 'ab'.repeat(32);
  const entry = { model: 'm', version: '1.0.0', file: 'f', kind: 'checkpoints', role: 'weights', publishedAt: 1 };
  const honest = { type: 'prefetch', digest, size: 10, origin: { key: 'k', versionId: 'v' }, entries: [entry] };
  const number = fc.constantFrom<unknown>(-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '10', null, {}, []);
  const fields = fc.record(
    {
      digest: hostileText,
      size: number,
      entries: fc.array(
        fc.record(
          { model: hostileText, version: hostileText, file: hostileText, kind: hostileText },
          { requiredKeys: [] },
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: [] },
  );

  it('that passes its schema names only places below models/ and blobs/', () => {
    let passed = 0;
    fc.assert(
      fc.property(fields, fc.boolean(), ({ entries, ...rest }, keepEntries) => {
        const command: unknown = {
          ...honest,
          ...(keepEntries ? {} : rest),
          entries: (entries ?? []).map((one) => ({ ...entry, ...one })),
        };
        const parsed = Command.safeParse(JSON.parse(JSON.stringify(command)));
        if (!parsed.success || parsed.data.type !== 'prefetch') return;
        passed += 1;
        for (const [path, target] of planView([
          { digest: parsed.data.digest, volume: FIRST_VOLUME, entries: parsed.data.entries },
        ])) {
          expect(path).toMatch(/^models\/[a-z_]+\/[a-z0-9._-]+(\/[a-z0-9._-]+){0,2}$/);
          expect(path.split('/')).not.toContain('..');
          expect(target).toMatch(/^(\.\.\/)+blobs\/[0-9a-f]{2}\/[0-9a-f]{64}$/);
        }
      }),
      { numRuns: 500 },
    );
    expect(passed).toBeGreaterThan(0);
  });

  it('with a name that another link is made under replaces nothing of that link', async () => {
    for (const name of ['models', 'blobs']) await folder.disk.makeDirectory(name);
    const named = (file: string) => ViewEntry.parse({ ...entry, file, publishedAt: EpochMs.parse(1) });
    const blobs = [
      { digest: Digest.parse('aa'.repeat(32)), volume: FIRST_VOLUME, entries: [named('x.new-link')] },
      { digest: Digest.parse('bb'.repeat(32)), volume: FIRST_VOLUME, entries: [named('x')] },
    ];
    const shown = [...blobs];
    const view = createModelsView(folder.disk, () => shown, silentTelemetry);
    await view.refresh();
    await view.refresh();
    const links = await folder.disk.readLinks('models');
    expect(links).toEqual(planView(blobs));
    expect(readlinkSync(folder.inside('models/checkpoints/m/1.0.0/x.new-link'))).toContain('aa'.repeat(32));
  });
});

describe('a manifest', () => {
  const digest = Digest.parse('cd'.repeat(32));
  const wanted = { digest, size: 100, partSize: PART };

  function originWith(bytes: Uint8Array, size = bytes.length): ObjectReader {
    const lastModified = EpochMs.parse(0);
    const head = {
      key: 'k',
      versionId: 'v',
      size,
      etag: 'e',
      storageClass: 'STANDARD' as const,
      lastModified,
      metadata: {},
    };
    return {
      head: async () => ({ outcome: 'found', head }),
      readRange: async () => ({ outcome: 'read', bytes }),
    };
  }

  const values = fc.constantFrom<unknown>(
    ...HOSTILE,
    -1,
    0,
    1e300,
    null,
    [],
    {},
    Array.from({ length: 300 }, () => 'x'),
  );
  const manifests = fc.dictionary(
    fc.constantFrom('schema', 'digest', 'size', 'partSize', 'parts', '__proto__', 'constructor', 'toJSON'),
    fc.oneof(values, fc.constantFrom<unknown>(digest, 100, PART, 'strata-parts-1', [partHash(new Uint8Array(1))])),
  );

  it('that does not hash to the digest asked for is never believed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          manifests.map((one) => JSON.stringify(one)),
          hostileText,
        ),
        async (text) => {
          const read = await readManifest(originWith(Buffer.from(text)), wanted);
          expect(read).toMatchObject({ outcome: 'failed', code: 'wrong-bytes' });
        },
      ),
      { numRuns: 300 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each([
    ['of a size that no such blob has', originWith(Buffer.from('{}'), 2 ** 50)],
    ['with a part size of zero', originWith(manifest({ partSize: 0 }))],
    ['with a negative size', originWith(manifest({ size: -5 }))],
    [
      'with more parts than the blob has',
      originWith(manifest({ parts: Array.from({ length: 12 }, () => 'a'.repeat(64)) })),
    ],
    ['nested a thousand deep', originWith(Buffer.from(`${'['.repeat(900)}${']'.repeat(900)}`))],
  ])('%s is refused', async (_, origin) => {
    expect(await readManifest(origin, wanted)).toMatchObject({ outcome: 'failed', code: 'wrong-bytes' });
  });

  function manifest(change: object): Buffer {
    const honest = { schema: 'strata-parts-1', digest, size: 100, partSize: PART, parts: [] };
    return Buffer.from(JSON.stringify({ ...honest, ...change }));
  }
});

describe('a ledger that somebody wrote', () => {
  const line = (text: string) => `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
  const record = fc.oneof(
    fc.record({
      is: fc.constantFrom('reserved', 'resident', 'found', 'part', 'pinned', 'named', 'commanded', '__proto__'),
      digest: fc.oneof(hostileText, fc.constant('ef'.repeat(32))),
      size: fc.constantFrom<unknown>(1, -1, 1e300, 'x'),
      at: fc.constantFrom<unknown>(1, -1, 0.5),
      subject: hostileText,
    }),
    hostileText,
  );
  const lines = fc.oneof(
    hostileText,
    fc.array(record, { maxLength: 4 }).map((records) => line(JSON.stringify(records))),
    hostileText.map((text) => line(text)),
  );

  it('is opened as a sound or a damaged one and never ends the start', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(lines, { maxLength: 5 }), async (all) => {
        await mkdir(folder.inside('state'), { recursive: true });
        await writeFile(folder.inside('state/ledger'), all.join(''));
        const { ledger } = await openLedger(folder.disk);
        for (const blob of ledger.state.blobs.values()) expect(blob.digest).toMatch(/^[0-9a-f]{64}$/);
        expect((await openLedger(folder.disk)).ledger.state).toEqual(ledger.state);
      }),
      { numRuns: 150 },
    );
  });
});
