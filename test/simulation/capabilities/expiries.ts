import {
  AccessMonthRow,
  ExpiryRunRow,
  ReferenceRow,
  ReplicaRow,
  type Tombstone,
  TombstoneRow,
} from '../../../lib/catalog/index.ts';
import { undoDelete } from '../../../lib/deletion/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type Digest } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** What the lifecycle preset deletes nobody needs, and no more of it in one sweep than its limits allow. */
export function expiries(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, policies, scheduler, settings } = stage;
  const life = scheduler.incarnation('who misses what expired');
  const [readTombstone, readRun] = [rowReader(TombstoneRow), rowReader(ExpiryRunRow)];
  const { lifecycleMostDeletes, lifecycleMostDeleteBytes, lifecycleRules } = settings;
  /** Of each model, as it was before the write that is looked at: its tombstone comes before the model's row there. */
  const newest = new Map<string, unknown>();
  const deleted = new Map<string, { versions: number; bytes: number }>();
  const idleMs = lifecycleRules.deleteAfterIdleDays * DAY_MS;

  function isYoung(at: number | undefined): boolean {
    return at !== undefined && scheduler.now - at <= idleMs;
  }

  function onTombstone(tombstone: Tombstone): void {
    const { content, correlationId } = tombstone;
    const runId = /^expire-(\d+)$/.exec(correlationId)?.[1];
    if (runId === undefined) return;
    const { model, version } = content;
    const name = `${model}@${version}`;
    counters.count('version expired');
    if (!policies.inForceSince('lifecycle', Number(runId)))
      violated(`${name} was deleted by a policy that is not in force.`);
    for (const { key, body } of catalog.committedIn(`MODEL#${model}`)) {
      if (key.sort.startsWith('ALIAS#') && body['version'] === version) violated(`${name} expired under ${key.sort}.`);
    }
    if (newest.get(model) === version) violated(`${name} expired although it was the newest.`);
    if (isYoung(content.publishedAt)) violated(`${name} expired too soon after it was published.`);
    if (isYoung(content.undoneAt)) violated(`${name} expired too soon after it was brought back.`);
    let bytes = 0;
    for (const file of new Map(content.files.map((one) => [one.digest, one])).values()) {
      if (isOwn(file.digest, content)) bytes += file.size;
    }
    const run = deleted.get(runId) ?? { versions: 0, bytes: 0 };
    deleted.set(runId, { versions: run.versions + 1, bytes: run.bytes + bytes });
    miss(tombstone);
    if (run.versions + 1 > lifecycleMostDeletes) violated(`Sweep ${runId} has deleted too many versions.`);
    if (run.bytes + bytes > lifecycleMostDeleteBytes) violated(`Sweep ${runId} has deleted too many bytes.`);
  }

  /** Somebody notices, and brings it back at once: it must stay then. */
  function miss({ content: { model, version } }: Tombstone): void {
    if (!rng.chance(0.6)) return;
    scheduler.spawn(life, async () => {
      await scheduler.sleep(life, rng.below(MINUTE_MS));
      const undo = { now: EpochMs.parse(scheduler.now), dryRun: false, model, version };
      const correlationId = CorrelationId.parse(`missed-${rng.uint32()}`);
      await undoDelete(stage.depsOf(life).catalog, { ...undo, correlationId }).catch((error: unknown) => {
        if (!(error instanceof StrataError)) throw error;
        counters.count('expired, and not brought back');
      });
    });
  }

  /** Whether the delete frees the blob; then nobody may use it. */
  function isOwn(digest: Digest, { model, version }: Tombstone['content']): boolean {
    const rows = [...catalog.committedIn(`BLOB#${digest}`)];
    const references = rows
      .filter(({ key }) => key.sort.startsWith('REFERENCE#'))
      .map((row) => ReferenceRow.parse(row));
    if (references.some(({ value }) => value.model !== model || value.version !== version)) return false;
    for (const row of rows) {
      if (row.key.sort.startsWith('REPLICA#') && ReplicaRow.parse(row).value.host !== undefined)
        violated(`${model}@${version} expired although ${row.key.sort} is there.`);
      if (row.key.sort.startsWith('ACCESS#') && isYoung(AccessMonthRow.parse(row).value.lastAt))
        violated(`${model}@${version} expired although ${digest} was read lately.`);
    }
    return true;
  }

  function onRow({ key, before, after }: RowChange): void {
    if (!key.partition.startsWith('MODEL#')) return;
    if (key.sort === 'META') newest.set(key.partition.slice('MODEL#'.length), after?.body['newest']);
    const buried = key.sort.startsWith('TOMBSTONE#');
    if (buried && before === undefined && after !== undefined) onTombstone(readTombstone(after));
  }

  return {
    onRow,
    async check() {
      for (const item of catalog.committed('EXPIRY#')) {
        if (item.key.sort !== 'RUN') continue;
        const { bytes, runId, versions } = readRun(item);
        const run = deleted.get(runId) ?? { versions: 0, bytes: 0 };
        if (run.versions !== versions) violated(`Sweep ${runId} tells of ${versions} deletes, of ${run.versions}.`);
        if (run.bytes < bytes) violated(`Sweep ${runId} tells of ${bytes} bytes, of ${run.bytes}.`);
      }
    },
  };
}
