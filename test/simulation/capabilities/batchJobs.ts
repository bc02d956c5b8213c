import { ActionRow, type Action, type Blob, BlobRow, type Restore, RestoreRow } from '../../../lib/catalog/index.ts';
import { loadAccesses } from '../../../lib/accesses/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { ActionId, type Digest, type StorageClass } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { explainBlob, packSettings, policyOf } from '../../../lib/tiering/index.ts';
import { rowReader, violated } from '../invariants.ts';
import { readsWorse } from '../reads.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** One line of a manifest, and what is true of its object when S3 comes to it. */
interface Line {
  readonly digest: Digest;
  readonly versionId: string;
  readonly to: StorageClass;
  inUse: boolean;
}

interface Answer {
  readonly results: readonly { readonly resultCode: string; readonly resultString: string }[];
}

const MOST_TRIES = 5;
const RECENT_MS = 7 * DAY_MS;

/**
 * Operators have S3 Batch Operations carry out what a plan has shown: a call for each line of a manifest, some twice, minutes or days after
 * the plan. Only what the plan showed moves, of the version that it showed, and nothing that is in use.
 */
export function batchJobs(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, counters, faults, settings } = stage;
  const life = scheduler.incarnation('batch jobs');
  const rates = compileRates(shippedPriceBook());
  const [readAction, readBlob, readRestore] = [rowReader(ActionRow), rowReader(BlobRow), rowReader(RestoreRow)];
  const lines = new Map<string, Line>();
  /** Lines whose object is archived: it is brought back to where the line says. */
  const broughtBack = new Set<string>();
  const busy = rng.chance(0.25);
  let jobs = 0;
  let running = 0;

  const actionOf = (runId: string, digest: Digest) => ActionId.parse(`transition-${runId}-${digest}`);
  const committedBlobs = () =>
    [...catalog.committed('BLOB#')].filter(({ key }) => key.sort === 'META').map((item) => readBlob(item));

  function committedBlob(digest: Digest): Blob | undefined {
    for (const item of catalog.committedIn(`BLOB#${digest}`)) if (item.key.sort === 'META') return readBlob(item);
    return undefined;
  }

  /** Whether an archived blob is on its way back just now because of this job. */
  function isBringing(runId: string, digest: Digest): boolean {
    const row = [...catalog.committedIn(`BLOB#${digest}`)].find(({ key }) => key.sort === 'RESTORE');
    return row !== undefined && readRestore(row).correlationId === `plan-${runId}`;
  }

  async function plan(at: EpochMs): Promise<readonly Line[]> {
    // Who plans asks again until all of it was answered.
    const deps = { ...stage.depsOf(life), catalog, rates };
    const by = { policy: policyOf(settings, settings.tierPolicy), packs: packSettings(settings), at };
    const moves: Line[] = [];
    for (const { digest } of committedBlobs()) {
      const explained = await explainBlob(deps, digest, by);
      if (explained?.decision.action !== 'transition') continue;
      moves.push({ digest, versionId: explained.versionId, to: explained.decision.to, inUse: false });
    }
    const to = moves.length === 0 ? undefined : rng.pick(moves).to;
    return moves.filter((move) => move.to === to);
  }

  /** A job is created, looked at, and confirmed: now, or when nobody remembers the plan. */
  async function job(): Promise<void> {
    const at = EpochMs.parse(scheduler.now);
    const planned = await plan(at);
    const [first] = planned;
    if (first === undefined) return;
    jobs += 1;
    const runId = `job-${jobs}`;
    const budget = { budgetUsd: rng.chance(0.1) ? '0' : '1', mostMoves: rng.chance(0.3) ? '8' : '1600' };
    const userArguments = { runId, policy: settings.tierPolicy, to: first.to, at: String(at), ...budget };
    for (const line of planned) lines.set(actionOf(runId, line.digest), line);
    running += 1;
    scheduler.spawn(life, async () => {
      await scheduler.sleep(life, rng.below(rng.chance(0.7) ? 30 * SECOND_MS : 5 * MINUTE_MS));
      const calls = planned.flatMap((line) => (faults.happens('duplicate-delivery') ? [line, line] : [line]));
      await Promise.all(calls.map((line) => carryOut(runId, line, userArguments)));
      running -= 1;
    });
  }

  async function carryOut(runId: string, line: Line, userArguments: object): Promise<void> {
    const task = { taskId: '1', s3Key: blobKey(line.digest), s3VersionId: line.versionId, s3Bucket: 'strata' };
    const call = { invocationSchemaVersion: '2.0', job: { id: runId, userArguments }, tasks: [task] };
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      line.inUse = await isInUse(line);
      const answer = await stage
        .callFunction('move-listed', { ...call, invocationId: `${runId} ${tries}` })
        .catch((error: unknown) => {
          if (error instanceof StrataError) return undefined;
          throw error;
        });
      const [result] = (answer as Answer | undefined)?.results ?? [];
      if (result !== undefined && result.resultCode !== 'TemporaryFailure') return ended(runId, line, result);
      await scheduler.sleep(life, rng.below(20 * SECOND_MS));
    }
    counters.count('job line given-up');
  }

  function ended(runId: string, { digest }: Line, result: Answer['results'][number]): void {
    const [outcome, reason] = result.resultString.split(': ');
    counters.count(outcome === 'moving' ? 'job line moving' : `job line ${reason}`);
    if (result.resultString === 'kept: restore-under-way' && isBringing(runId, digest))
      violated(`${runId} reports that it does not bring ${digest} back, and does.`);
    if (result.resultCode !== 'Succeeded') return;
    const actionId = actionOf(runId, digest);
    const [action] = catalog.committedIn(`ACTION#${actionId}`);
    const [moves, restores] = [action !== undefined, broughtBack.has(actionId)];
    const made = reason === 'restore-begun' ? restores : moves || (reason === 'sent-before' && restores);
    if (!made) violated(`${runId} reports a move of ${digest} that nobody makes.`);
  }

  /** Read within a week, and dearer or slower to read where it is to go. */
  async function isInUse({ digest, to }: Line): Promise<boolean> {
    const blob = committedBlob(digest);
    if (blob === undefined) return false;
    if (!readsWorse(rates.of(blob.origin.storageClass), rates.of(to))) return false;
    const { lastAccessAt } = await loadAccesses(catalog, digest, EpochMs.parse(scheduler.now));
    return lastAccessAt !== undefined && scheduler.now - lastAccessAt < RECENT_MS;
  }

  function onAction(action: Action): void {
    const line = begins(action.actionId);
    if (action.chosen !== `transition ${line.to}`) violated(`${action.actionId} goes elsewhere than the plan showed.`);
    if (committedBlob(line.digest)?.origin.versionId !== line.versionId)
      violated(`${action.actionId} moves another version than was planned.`);
  }

  function onRestore({ correlationId, digest, to, versionId }: Restore): void {
    const actionId = actionOf(correlationId.slice('plan-'.length), digest);
    const line = begins(actionId);
    if (to !== line.to) violated(`The restore of ${actionId} goes elsewhere than the plan showed.`);
    if (versionId !== line.versionId) violated(`The restore of ${actionId} is of another version than was planned.`);
    counters.count('job line restores');
    broughtBack.add(actionId);
  }

  function begins(actionId: string): Line {
    const line = lines.get(actionId);
    if (line === undefined) return violated(`${actionId} is of no line of a manifest.`);
    if (line.inUse) violated(`${actionId} moves what is in use.`);
    return line;
  }

  return {
    act(durationMs) {
      if (!busy) return;
      const end = scheduler.now + durationMs;
      scheduler.spawn(life, async () => {
        while (scheduler.now < end) {
          await scheduler.sleep(life, rng.below(MINUTE_MS));
          await job().catch((error: unknown) => {
            if (!(error instanceof StrataError)) throw error;
            counters.count('job: no answer');
          });
        }
      });
    },
    onRow({ key, before, after }: RowChange) {
      if (after === undefined) return;
      if (key.partition.startsWith('ACTION#transition-job-') && before === undefined) onAction(readAction(after));
      if (!key.partition.startsWith('BLOB#') || key.sort !== 'RESTORE') return;
      const restore = readRestore(after);
      const known = before !== undefined && readRestore(before).actionId === restore.actionId;
      if (!known && restore.attempt === 1 && restore.correlationId.startsWith('plan-job-')) onRestore(restore);
    },
    atRest: () => running === 0,
  };
}
