import type { SweepOrphans } from '../../events/sweep-orphans/v1.ts';
import { BlobRow, sendOnce } from '../catalog/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import { Digest } from '../shared/ids.ts';
import type { ObjectVersion } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { MINUTE_MS } from '../shared/units.ts';
import { isImplausible, type OrphanReason } from './decideOrphan.ts';
import { abandonOldCopies } from './abandonOldCopies.ts';
import { OrphanError } from './errors.ts';
import { type FoundVersion, type JudgeDeps, judgeVersion } from './judgeVersion.ts';

export interface SweepOrphansCall {
  readonly telemetry: Telemetry;
  readonly remainingMs: () => number;
}

const PREFIX = 'blobs/';
const MANIFEST_SUFFIX = '.parts';
const DIGITS = '0123456789abcdef';
const PAGE = 500;
/** Blobs whose rows are read at once. */
const PARALLEL_READS = 25;
/** A page takes seconds; no other is begun with less time left. */
const RESERVE_MS = MINUTE_MS;

type Swept = OrphanReason | 'gone' | 'foreign';

/**
 * Compares a stretch of `blobs/` with the catalog, page by page, and sweeps what no row has named for long. A bucket of more
 * than one page is gone over in sixteen stretches at once, by the first digit of the digest; what does not fit into one call
 * goes on by message. Every page may be visited twice. Answers how many versions had which end, without those that are named.
 */
export async function sweepOrphans(
  deps: JudgeDeps,
  message: SweepOrphans,
  call: SweepOrphansCall,
): Promise<ReadonlyMap<Swept, number>> {
  const counts = new Map<Swept, number>();
  if (deps.settings.orphanSweep === 'off') return counts;
  const { digit = '' } = message;
  if (message.digit === undefined && message.cursor === undefined) await abandonOldCopies(deps, call);
  for (let cursor = message.cursor; ; ) {
    const page = await deps.objects.listVersions({
      prefix: PREFIX + digit,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (page.cursor !== undefined && message.digit === undefined) {
      for (const each of DIGITS) await handOn(deps, { ...message, digit: each });
      return counts;
    }
    await sweepPage(deps, page.versions, counts, call);
    cursor = page.cursor;
    if (cursor === undefined) return counts;
    if (call.remainingMs() < RESERVE_MS) {
      await handOn(deps, { ...message, cursor });
      return counts;
    }
  }
}

async function handOn(deps: JudgeDeps, body: SweepOrphans): Promise<void> {
  const id = [body.sweepId, body.digit, body.cursor].join(' ');
  await sendOnce(deps, { scope: 'sweep-orphans', id }, { queue: 'sweep-orphans', body });
}

async function sweepPage(
  deps: JudgeDeps,
  versions: readonly ObjectVersion[],
  counts: Map<Swept, number>,
  call: SweepOrphansCall,
): Promise<void> {
  const own = versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
  const suspects = await unnamed(deps, own);
  const now = deps.clock.now();
  const old = own.filter(({ lastModified }) => now - lastModified >= deps.settings.orphanGraceMs);
  const unnamedOld = old.filter(({ versionId }) => suspects.some((suspect) => suspect.versionId === versionId)).length;
  if (isImplausible(unnamedOld, own.length)) {
    call.telemetry.metric('OrphansImplausible', 'Count', unnamedOld);
    throw new OrphanError({
      code: 'implausible',
      message: `No row names ${unnamedOld} of ${own.length} versions from ${own[0]?.key} on. Nothing was swept: see whether this is the right catalog, and not an older one.`,
      retryable: false,
    });
  }
  const page = new Map<Swept, { versions: number; bytes: number }>();
  const count = (reason: Swept, bytes: number) => {
    const { versions: sum, bytes: total } = page.get(reason) ?? { versions: 0, bytes: 0 };
    page.set(reason, { versions: sum + 1, bytes: total + bytes });
  };
  for (const { key, size } of own.filter((version) => foundVersion(version) === undefined)) {
    call.telemetry.warn('foreign-object', { key });
    count('foreign', size);
  }
  for (const suspect of suspects) {
    const { action, reason, bytes } = await judgeVersion(deps, suspect);
    count(reason, bytes);
    const { orphanSweep: mode } = deps.settings;
    if (action !== 'keep') call.telemetry.info('orphan-judged', { ...suspect, action, reason, bytes, mode });
  }
  for (const [reason, { versions: sum, bytes }] of page) {
    counts.set(reason, (counts.get(reason) ?? 0) + sum);
    call.telemetry.metric('OrphanVersions', 'Count', sum, { reason });
    call.telemetry.metric('OrphanBytes', 'Bytes', bytes, { reason });
  }
}

function foundVersion({ key, versionId }: ObjectVersion): FoundVersion | undefined {
  const isManifest = key.endsWith(MANIFEST_SUFFIX);
  const digest = Digest.safeParse(key.slice(PREFIX.length, isManifest ? -MANIFEST_SUFFIX.length : undefined)).data;
  return digest === undefined ? undefined : { digest, object: isManifest ? 'manifest' : 'bytes', versionId };
}

/** Those that are worth a closer look: whatever the blobs' rows alone do not explain. */
async function unnamed(deps: JudgeDeps, versions: readonly ObjectVersion[]): Promise<readonly FoundVersion[]> {
  const suspects: FoundVersion[] = [];
  const found = versions.flatMap((version) => {
    const one = foundVersion(version);
    return one === undefined ? [] : [{ ...one, isLatest: version.isLatest }];
  });
  await eachOf([...Map.groupBy(found, ({ digest }) => digest)], PARALLEL_READS, async ([digest, group]) => {
    const blob = await BlobRow.get(deps.catalog, digest);
    for (const { object, versionId, isLatest } of group) {
      const isNamed = object === 'bytes' ? versionId === blob?.value.origin.versionId : blob !== undefined && isLatest;
      if (!isNamed) suspects.push({ digest, object, versionId });
    }
  });
  return suspects;
}
