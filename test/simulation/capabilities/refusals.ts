import { type Upload, UploadRow } from '../../../lib/catalog/index.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import { pickledBytes, safetensors } from '../samples.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** How an upload's bytes are refused: for good, for good once they were judged, until somebody mends it, until then and again once they were judged, or never. */
const KINDS = ['foreign', 'judged', 'mended', 'again', 'free'] as const;
type Kind = (typeof KINDS)[number];
/** What ends in quarantine. */
const LASTING: ReadonlySet<Kind> = new Set(['foreign', 'judged', 'again']);

const MENDED_WITHIN_MS = 20 * HOUR_MS;
const AGAIN_WITHIN_MS = 12 * HOUR_MS;
/** After the begin, between the third time of those when hours have passed and the fourth (`world.ts`). */
const BUCKET_LEAST_MS = 55 * HOUR_MS;
const BUCKET_MORE_MS = 22 * HOUR_MS;
/** Clocks of two calls differ so much at most. */
const CLOCKS_DIFFER_MS = 2 * HOUR_MS;

/**
 * The plane may not read the bytes of some uploads, and in half of the runs nothing in the bucket for longer than a day. Only what is refused
 * for a day while a blob can be read is blamed for it, and that surely is; what could not be read meanwhile gets its verdict.
 */
export function refusals(stage: Stage, rng: Rng): Capability {
  const { scheduler, bucket, catalog, counters, models, refusedReads } = stage;
  const life = scheduler.incarnation('owners of keys');
  const readUpload = rowReader(UploadRow);
  const uploads = new Map<string, { readonly kind: Kind; readonly versionId: string }>();
  const willBeRefused = new Set<string>();
  let uploaded = 0;

  async function upload(kind: Kind, mendedAfterMs: number): Promise<void> {
    const key = `uploads/${rng.pick(models)}/2.${uploaded}.0/model.bin`;
    uploaded += 1;
    if (kind === 'foreign') refusedReads.refuse(key, Number.POSITIVE_INFINITY);
    if (kind === 'mended' || kind === 'again') refusedReads.refuse(key, mendedAfterMs);
    if (kind === 'judged' || kind === 'again') willBeRefused.add(key);
    const size = 512 + rng.below(8_192);
    const written = await bucket.write(key, rng.chance(0.2) ? pickledBytes(rng, size) : safetensors(rng, size));
    if (written.outcome === 'written') uploads.set(key, { kind, versionId: written.versionId });
    counters.count(`reads of an upload: ${kind}`);
  }

  function later(withinMs: number, task: () => Promise<void> | void): void {
    scheduler.spawn(life, async () => {
      await scheduler.sleep(life, rng.below(withinMs));
      await task();
    });
  }

  /** Days begin with it. */
  function begin(durationMs: number): void {
    for (const kind of [...KINDS, 'free', 'free'] as const)
      later(durationMs, () => upload(kind, rng.below(kind === 'again' ? AGAIN_WITHIN_MS : MENDED_WITHIN_MS)));
    if (!rng.chance(0.5)) return;
    const until = scheduler.now + BUCKET_LEAST_MS + rng.below(BUCKET_MORE_MS);
    scheduler.spawn(life, () => refuseAll(scheduler.now + durationMs, until));
    later(BUCKET_LEAST_MS, () => upload('free', 0));
  }

  /** Once there is a blob that could be read. */
  async function refuseAll(begunBefore: number, until: number): Promise<void> {
    while (!hasBlob()) await scheduler.sleep(life, rng.below(MINUTE_MS));
    if (scheduler.now >= begunBefore) return;
    refusedReads.refuseAll(until - scheduler.now);
    counters.count('reads refused: the bucket');
  }

  function hasBlob(): boolean {
    for (const { key } of catalog.committed('BLOB#')) if (key.sort === 'META') return true;
    return false;
  }

  /** Afterwards nothing is refused for long. */
  function refuseShortly(durationMs: number): void {
    for (const kind of ['mended', 'free'] as const)
      later(durationMs / 2, () => upload(kind, rng.below(durationMs / 2)));
    if (rng.chance(0.5)) later(durationMs / 2, () => refusedReads.refuseAll(rng.below(30 * SECOND_MS)));
  }

  function onUpload({ before, after }: RowChange): void {
    if (before === undefined || after === undefined) return;
    const [was, { key, state, quarantine }] = [readUpload(before), readUpload(after)];
    if (was.state === 'observed' && state === 'digesting' && willBeRefused.delete(key))
      refusedReads.refuse(key, Number.POSITIVE_INFINITY);
    if (was.state !== 'quarantined' && quarantine !== undefined && isBlamed(quarantine)) checkBlame(key);
  }

  function checkBlame(key: string): void {
    const aloneMs = refusedReads.aloneForMs(key);
    if (aloneMs === undefined) violated(`${key} is blamed for a refusal that is not, or not only, its own.`);
    if (aloneMs < DAY_MS - CLOCKS_DIFFER_MS)
      violated(`${key} is blamed after ${(aloneMs / HOUR_MS).toFixed(1)} hours in which only it was refused.`);
    counters.count('reads refused: blamed after a day');
  }

  return {
    act(durationMs) {
      if (uploaded === 0) begin(durationMs);
      else refuseShortly(durationMs);
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('UPLOAD#') && sort.startsWith('VERSION#')) onUpload(change);
    },
    async check() {
      for (const [key, { kind, versionId }] of uploads) {
        const row = (await UploadRow.get(catalog, key, versionId))?.value;
        const isRight = LASTING.has(kind) ? isBlamed(row?.quarantine) : row?.state === 'ready';
        if (!isRight) violated(`${key}, ${kind}: is ${row?.state} (${row?.quarantine?.text ?? 'no reason'}).`);
        if (row?.deniedSince !== undefined) violated(`${key}: has ended, and its day goes on.`);
      }
    },
  };
}

function isBlamed(quarantine: Upload['quarantine']): boolean {
  return quarantine?.reason === 'unscannable' && quarantine.text.includes('access denied');
}
