import type { RescanPage } from '../../events/rescan/v1.ts';
import {
  CursorRow,
  expectationOf,
  type HeaderFindings,
  OnceRow,
  outboxPut,
  settle,
  SWEEP_SHARDS,
} from '../catalog/index.ts';
import { policyDigest } from '../scanning/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import type { IngestDeps } from './deps.ts';
import { isStale } from './findings.ts';

/** Then the same rules are gone over once more, for what an older release may have written meanwhile. */
const REMEMBERED_MS = 30 * DAY_MS;
/** Calls of the release before have ended by then, so that nothing is judged by its rules behind the pages. */
const AFTER_DEPLOYMENT_SECONDS = 900;
/** Its place is the rules and the policy that everything is judged by when it has ended; none once other ones have judged since. */
const LAST_RESCAN = 'rescan';

type Judging = Pick<IngestDeps, 'catalog' | 'scanner' | 'settings'>;

function judgingOf({ scanner, settings }: Pick<Judging, 'scanner' | 'settings'>): string {
  return `${scanner.rules}.${policyDigest(settings.scanPolicy)}`;
}

export interface RescanStart {
  readonly rescanId: string;
  readonly started: boolean;
}

/**
 * Starts a re-scan of everything that other rules or another policy judged: when they are not those of the last re-scan, as well after
 * a release was taken back, and when any call has judged by others since (`noteJudging`). So while functions differ in them, each run
 * starts one.
 */
export function startDueRescan({ catalog, clock, ...deps }: Judging & Pick<IngestDeps, 'clock'>): Promise<RescanStart> {
  const judging = judgingOf(deps);
  return settle<RescanStart>(catalog, 'The re-scan', async () => {
    const row = await CursorRow.get(catalog, LAST_RESCAN);
    const now = clock.now();
    const rescanId = `${judging}.${now}`;
    if (row?.value.cursor === judging && now < row.value.movedAt + REMEMBERED_MS) {
      return { changes: [], answer: { rescanId, started: false } };
    }
    const last = CursorRow.put({ scan: LAST_RESCAN, shard: 0, cursor: judging, movedAt: now }, expectationOf(row));
    const pages = pagePuts(rescanId, { all: false, delaySeconds: AFTER_DEPLOYMENT_SECONDS }, now);
    return { changes: [last, ...pages], answer: { rescanId, started: true } };
  });
}

/**
 * Called before a call writes or passes over a verdict: by other rules or another policy than those of the last re-scan, the next run
 * of the schedule starts one, whatever it judges by. So a release that is taken back before any run has seen it leaves nothing behind:
 * that run comes after this call began, and its pages when this call has ended.
 */
export async function noteJudging({ catalog, ...deps }: Judging): Promise<void> {
  const judging = judgingOf(deps);
  await settle(catalog, 'The last re-scan', async () => {
    const row = await CursorRow.get(catalog, LAST_RESCAN);
    const last = row?.value;
    if (last?.cursor === undefined || last.cursor === judging) return { changes: [], answer: undefined };
    return { changes: [CursorRow.put({ ...last, cursor: undefined }, expectationOf(row))], answer: undefined };
  });
}

/**
 * Whether what a message of `startDueRescan` asks for has been done since by another one: re-scans follow each other while what they
 * sent still waits. Whoever else has something judged again, as an operator, means it.
 */
export function isJudgedSince(
  deps: Pick<Judging, 'scanner' | 'settings'>,
  { rescanId }: { readonly rescanId: string },
  findings: HeaderFindings,
): boolean {
  return rescanId.startsWith(`${judgingOf(deps)}.`) && !isStale(deps, findings);
}

/** Starts a re-scan of everything at once, for an operator. */
export function startRescan({ catalog, clock }: Pick<IngestDeps, 'catalog' | 'clock'>): Promise<RescanStart> {
  const now = clock.now();
  const rescanId = `operator.${now}`;
  return settle<RescanStart>(catalog, 'The re-scan', async () => {
    if ((await OnceRow.get(catalog, 'rescan', rescanId)) !== undefined) {
      return { changes: [], answer: { rescanId, started: false } };
    }
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    const once = OnceRow.put({ scope: 'rescan', id: rescanId, at: now, expiresAt }, 'absent');
    return {
      changes: [once, ...pagePuts(rescanId, { all: true, delaySeconds: 0 }, now)],
      answer: { rescanId, started: true },
    };
  });
}

/** The first page of each shard. */
function pagePuts(
  rescanId: string,
  { all, delaySeconds }: { readonly all: boolean; readonly delaySeconds: number },
  now: EpochMs,
): readonly Change[] {
  const correlationId = CorrelationId.parse(`rescan-${rescanId}`);
  const put = (of: RescanPage['of'], shard: number) => {
    const body: RescanPage = { schema: 'rescan-page/1', rescanId, of, shard, all, correlationId };
    return outboxPut({ id: `rescan-${rescanId}-${of}-${shard}`, queue: 'rescan', body, delaySeconds }, now);
  };
  return [...Array.from({ length: SWEEP_SHARDS }, (_, shard) => put('blobs', shard)), put('quarantine', 0)];
}
