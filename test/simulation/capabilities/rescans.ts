import {
  BlobRow,
  isAdmitted,
  ReferenceRow,
  ReplicaRow,
  TombstoneRow,
  UploadRow,
  VersionRow,
} from '../../../lib/catalog/index.ts';
import type { Blob, Upload } from '../../../lib/catalog/index.ts';
import { startRescan } from '../../../lib/ingest/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { originBytes } from '../originBytes.ts';
import { redrive } from '../redrive.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

const FIRST_RULES = 'rules-0';
/** How often an operator has everything judged again before and after a release. */
const IN_HURRY = 0.1;
/** How often a release is taken back, and within how long: mostly before the schedule has seen it. */
const TAKEN_BACK = 0.3;
const TAKEN_BACK_WITHIN_MS = 3 * MINUTE_MS;

/**
 * Releases with other rules are deployed, and taken back, while files are uploaded, placed and evicted. A verdict belongs to the bytes
 * that it judged; nothing is placed that its blob's row does not admit; in the end everything was judged by the rules in force, and
 * what they refuse is withdrawn and on no host.
 */
export function rescans(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, bucket, counters, releases } = stage;
  const life = scheduler.incarnation('deployments');
  const [readBlob, readReplica, readReference] = [rowReader(BlobRow), rowReader(ReplicaRow), rowReader(ReferenceRow)];
  const [readUpload, readTombstone] = [rowReader(UploadRow), rowReader(TombstoneRow)];

  const isFirst = () => releases.rules() === FIRST_RULES;
  /** Uploads that are hashed before a release comes. */
  let untilRelease = stage.focus === 'releases' ? rng.below(6) : 0;

  /** Verdicts of digests that their bytes deserve, however often they are written again. */
  const checked = new Set<string>();

  async function onBlob(blob: Blob): Promise<void> {
    const { status, rules } = blob.findings;
    if (status !== 'clean' && status !== 'malicious') violated(`${blob.digest} is ${status} and has a blob.`);
    const verdict = `${blob.digest} ${rules} ${status}`;
    if (checked.has(verdict)) return;
    const bytes = await originBytes(bucket, blob);
    if (typeof bytes === 'string') return;
    counters.count(`verdict by ${rules}: ${status}`);
    if (status !== (await releases.statusOf(rules, bytes)))
      violated(`${blob.digest}: ${status} by ${rules} is a verdict of other bytes.`);
    checked.add(verdict);
  }

  /** The call that has hashed an upload is about to publish it. */
  function onHashed({ before, after }: RowChange): void {
    if (!isFirst() || before !== undefined || after === undefined) return;
    if (untilRelease === 0) scheduler.spawn(life, deployMidway);
    untilRelease -= 1;
  }

  async function onReplica({ before, after }: RowChange): Promise<void> {
    if (after === undefined || readReplica(after).state !== 'reserved') return;
    if (before !== undefined && readReplica(before).state === 'reserved') return;
    const { digest, location } = readReplica(after);
    const blob = await BlobRow.get(catalog, digest);
    if (blob !== undefined && !isAdmitted(blob.value.findings))
      violated(`${digest} is placed at ${location}, refused.`);
  }

  function* blobs(): Iterable<Blob> {
    for (const item of catalog.committed('BLOB#')) if (item.key.sort === 'META') yield readBlob(item);
  }

  async function isSettled(blob: Blob): Promise<boolean> {
    if (blob.findings.rules === releases.rules()) return true;
    if (blob.size === 0) return false;
    const first = await bucket.readRange(blobKey(blob.digest), blob.origin.versionId, 0, 1);
    return first.outcome !== 'read';
  }

  async function checkBlob(blob: Blob): Promise<void> {
    const { digest, findings } = blob;
    if (!(await isSettled(blob)))
      violated(`${digest} was not judged by ${releases.rules()}, only by ${findings.rules}.`);
    const admitted = isAdmitted(findings);
    counters.count(admitted ? 'blob admitted in the end' : 'blob withdrawn in the end');
    for (const item of catalog.committedIn(`BLOB#${digest}`)) {
      if (item.key.sort.startsWith('REPLICA#nvme') && !admitted) {
        violated(`${digest} is refused and still at ${readReplica(item).location}.`);
      }
      if (!item.key.sort.startsWith('REFERENCE#')) continue;
      const { model, version } = readReference(item);
      const row = await VersionRow.get(catalog, model, version);
      if (row === undefined) continue;
      if (!admitted && row.value.withdrawn === undefined)
        violated(`${model}@${version} needs ${digest} and is not withdrawn.`);
      if (admitted && row.value.withdrawn?.digest === digest) violated(`${model}@${version} is withdrawn for nothing.`);
    }
  }

  /** Whoever asks about what is in quarantine is told what the rules in force say, as long as its bytes are there. */
  async function checkQuarantined({ key, versionId, state, findings, removal }: Upload): Promise<void> {
    if (state !== 'quarantined' || findings === undefined || removal !== undefined) return;
    if (findings.rules === releases.rules() || (await bucket.head(key, versionId)).outcome !== 'found') return;
    await redrive(stage, 'rescan');
    violated(`${key} ${versionId} in quarantine was not judged by ${releases.rules()}, only by ${findings.rules}.`);
  }

  /** Operators do not wait for the schedule. */
  async function rescanAll(): Promise<void> {
    try {
      const { catalog: store, clock } = stage.depsOf(life);
      await startRescan({ catalog: store, clock });
      counters.count('re-scan of everything: started');
    } catch (error) {
      if (!(error instanceof StrataError)) throw error;
      counters.count('re-scan of everything: no answer');
    }
  }

  /** Where a run concentrates on it: while calls publish by the rules before it; the schedule notices it at once. */
  async function deployMidway(): Promise<void> {
    for (let steps = rng.below(30); steps > 0; steps -= 1) await scheduler.park(life, 'deployments');
    releases.deployNext();
    counters.count('release while its calls judge');
    for (const seconds of [0, 1, 4, 8]) {
      await scheduler.sleep(life, seconds * SECOND_MS);
      stage.fireNow('rescan');
    }
  }

  /** What was deleted for days is refused when somebody regrets that; the schedule notices the release before those days pass. */
  function deployAgainst(regretted: readonly Buffer[]): void {
    do releases.deployNext();
    while (regretted.length > 0 && !regretted.some((bytes) => releases.isBad(releases.rules(), bytes)));
    counters.count(regretted.length > 0 ? 'release against what was deleted' : 'release deployed');
    stage.fireNow('rescan');
  }

  async function deletedForDays(): Promise<readonly Buffer[]> {
    const found: Buffer[] = [];
    for (const item of catalog.committed('MODEL#')) {
      if (!item.key.sort.startsWith('TOMBSTONE#')) continue;
      const { content, purgeAfter } = readTombstone(item);
      if (purgeAfter < scheduler.now + 20 * DAY_MS) continue;
      for (const { digest } of content.files) {
        const blob = await BlobRow.get(catalog, digest);
        const bytes = blob === undefined ? 'absent' : await originBytes(bucket, blob.value);
        if (typeof bytes !== 'string') found.push(bytes);
      }
    }
    return found;
  }

  /** Answers whether the run concentrates on releases of its own. */
  function concentrate(durationMs: number): boolean {
    const { focus } = stage;
    if (focus === 'releases') return true;
    if (focus !== 'regrets' && focus !== 'restores') return false;
    if (!isFirst()) return true;
    scheduler.spawn(life, async () => {
      await scheduler.sleep(life, focus === 'regrets' ? durationMs : durationMs / 2);
      deployAgainst(await deletedForDays());
    });
    return true;
  }

  return {
    act(durationMs) {
      if (concentrate(durationMs) || !rng.chance(0.6)) return;
      scheduler.spawn(life, async () => {
        await scheduler.sleep(life, rng.below(durationMs / 2));
        const inHurry = rng.chance(IN_HURRY);
        // What still judges for the first of them is overtaken by what is deployed meanwhile.
        if (inHurry) await rescanAll();
        await scheduler.sleep(life, rng.below(durationMs / 2));
        releases.deployNext();
        counters.count('release deployed');
        if (inHurry) await rescanAll();
        if (!rng.chance(TAKEN_BACK)) return;
        await scheduler.sleep(life, rng.below(TAKEN_BACK_WITHIN_MS));
        releases.takeBack();
        counters.count('release taken back');
      });
    },
    async onRow(change) {
      const { partition, sort } = change.key;
      if (stage.focus === 'releases' && sort.startsWith('PARTS#')) onHashed(change);
      if (!partition.startsWith('BLOB#')) return;
      if (sort === 'META' && change.after !== undefined) await onBlob(readBlob(change.after));
      if (sort.startsWith('REPLICA#nvme')) await onReplica(change);
    },
    async atRest() {
      for (const blob of blobs()) {
        if (await isSettled(blob)) continue;
        // Its message may have failed too often: then an alarm calls an operator.
        await redrive(stage, 'rescan');
        return false;
      }
      return true;
    },
    async check() {
      for (const blob of blobs()) await checkBlob(blob);
      for (const item of catalog.committed('UPLOAD#')) {
        if (item.key.sort.startsWith('VERSION#')) await checkQuarantined(readUpload(item));
      }
    },
  };
}
