import {
  type Blob,
  BlobRow,
  isAdmitted,
  TombstoneRow,
  type Tombstone,
  VersionRow,
} from '../../../lib/catalog/index.ts';
import { deleteVersion, DeletionError, holdVersion, undoDelete } from '../../../lib/deletion/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { CorrelationId, type ModelName, type SemVer } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { edgeWatch, rowReader, violated } from '../invariants.ts';

const EDGES = ['new→deleted', 'deleted→gone', 'deleted→purging', 'purging→purged'];

const WISHES = ['delete', 'delete', 'delete', 'undo', 'undo', 'hold', 'release', 'retain'] as const;
/** Where runs concentrate on purges. */
const DELETES = ['delete'] as const;

/** Operators delete versions, change their minds, and put some under holds; bytes go only when they may. */
export function deletions(stage: Stage, rng: Rng): Capability {
  const { scheduler, catalog, bucket, counters, focus } = stage;
  const life = scheduler.incarnation('deleters');
  const read = rowReader(TombstoneRow);
  const edge = edgeWatch(counters, 'tombstone', EDGES);
  /** Until when each delete can be undone at least, as the operator was told. */
  const promised = new Map<string, number>();

  /** Deleted with a month to undo it, which somebody will in the next act, where there is one. */
  let regretted: Named | undefined;

  interface Named {
    readonly model: ModelName;
    readonly version: SemVer;
  }

  function published(): readonly Named[] {
    const rows = [...catalog.committed('MODEL#')].filter(({ key }) => key.sort.startsWith('VERSION#'));
    return rows.map((item) => VersionRow.parse(item).value);
  }

  function* tombstones(): Iterable<Tombstone> {
    for (const item of catalog.committed('MODEL#')) if (item.key.sort.startsWith('TOMBSTONE#')) yield read(item);
  }

  async function wish(): Promise<void> {
    const versions = published();
    const buried = [...tombstones()].filter(({ state }) => state === 'deleted');
    if (versions.length === 0) return;
    const what = rng.pick(focus === 'purges' ? DELETES : WISHES);
    const some = rng.pick(versions);
    const refused = buried.filter(({ content }) => content.files.some(({ digest }) => isRefused(digest)));
    const wanted = refused.length > 0 ? refused : buried;
    const { model, version } = what === 'undo' && wanted.length > 0 ? rng.pick(wanted).content : some;
    if (what === 'delete') await remove({ model, version }, focus === 'purges' ? 0 : rng.pick([0, 0, 1]));
    else if (what === 'undo') {
      await bringBack({ model, version });
      // Deleted once more, with a day to undo it, while the purge of the first time is under way.
      if (rng.chance(0.3)) await remove({ model, version }, 1);
    } else {
      const until = EpochMs.parse(scheduler.now + rng.below(5 * MINUTE_MS));
      const change =
        what === 'hold'
          ? ({ kind: 'hold', reason: 'a case' } as const)
          : what === 'release'
            ? ({ kind: 'release' } as const)
            : ({ kind: 'retain', until } as const);
      const { catalog: store } = stage.depsOf(life);
      await holdVersion(store, { now: EpochMs.parse(scheduler.now), dryRun: false, model, version, change });
    }
    counters.count(`deletions: ${what}`);
  }

  async function removeForLater(): Promise<void> {
    const versions = published();
    if (versions.length === 0) return;
    const { model, version } = rng.pick(versions);
    await remove({ model, version }, 30);
    regretted = { model, version };
  }

  /** Days later, mostly: the verdicts on its files may have changed since. */
  async function regret(named: Named): Promise<void> {
    regretted = undefined;
    await bringBack(named);
    counters.count('deletions: regretted');
  }

  async function remove(named: Named, undoDays: number): Promise<void> {
    promised.set(`${named.model}@${named.version}`, scheduler.now + undoDays * DAY_MS);
    await deleteVersion(stage.depsOf(life).catalog, { ...named, undoDays, ...terms() });
  }

  async function bringBack(named: Named): Promise<void> {
    await undoDelete(stage.depsOf(life).catalog, { ...named, ...terms() });
  }

  function terms(): Pick<Parameters<typeof undoDelete>[1], 'now' | 'dryRun' | 'correlationId'> {
    const correlationId = CorrelationId.parse(`deletion-${rng.uint32()}`);
    return { now: EpochMs.parse(scheduler.now), dryRun: false, correlationId };
  }

  function soon(durationMs: number, wanted: () => Promise<void>): void {
    scheduler.spawn(life, async () => {
      await scheduler.sleep(life, Math.floor(durationMs * (0.5 + rng.number() / 2)));
      // Then an operator who got no answer tries again.
      for (let times = focus === 'regrets' ? 3 : 1; times > 0; times -= 1) await tried(wanted);
    });
  }

  async function tried(wanted: () => Promise<void>): Promise<void> {
    await wanted().catch((error: unknown) => {
      if (!(error instanceof StrataError)) throw error;
      counters.count(`deletions: ${error instanceof DeletionError ? error.code : 'no answer'}`);
    });
  }

  function onRow({ key, before, after }: RowChange): void {
    if (!key.partition.startsWith('MODEL#') || !key.sort.startsWith('TOMBSTONE#')) return;
    const was = before === undefined ? 'new' : read(before).state;
    edge(was, after === undefined ? 'gone' : read(after).state, key);
    if (after === undefined || was !== 'deleted' || read(after).state !== 'purging') return;
    const { content } = read(after);
    const name = `${content.model}@${content.version}`;
    if (content.hold !== undefined) violated(`${name} is purged under a legal hold.`);
    if (content.retainUntil !== undefined && scheduler.now < content.retainUntil) {
      violated(`${name} is purged before its retention ended.`);
    }
    if (scheduler.now < (promised.get(name) ?? 0)) violated(`${name} is purged although it could still be undone.`);
  }

  /** Whether nothing but a pin, a hold or a promise keeps the purge of a version waiting. */
  function isBlocked({ content, purgeAfter }: Tombstone): boolean {
    const kept = content.hold !== undefined || (content.retainUntil ?? 0) + DAY_MS > scheduler.now;
    return kept || purgeAfter > scheduler.now || content.files.some(({ digest }) => isPinned(digest));
  }

  function isRefused(digest: string): boolean {
    for (const item of catalog.committedIn(`BLOB#${digest}`))
      if (item.key.sort === 'META') return !isAdmitted(BlobRow.parse(item).value.findings);
    return false;
  }

  function isPinned(digest: string): boolean {
    for (const item of catalog.committedIn(`BLOB#${digest}`)) if (item.body['pinned'] === true) return true;
    return false;
  }

  /** It came back with a set that was withdrawn before its closing, and that may be pushed again for a week. */
  function isSpared({ unreferencedAt }: Blob): boolean {
    return unreferencedAt !== undefined && scheduler.now < unreferencedAt + 8 * DAY_MS;
  }

  async function checkPurged({ content }: Tombstone): Promise<void> {
    for (const { digest } of content.files) {
      const rows = [...catalog.committedIn(`BLOB#${digest}`)];
      if (rows.some(({ key }) => key.sort.startsWith('REFERENCE#'))) continue;
      const blob = rows.find(({ key }) => key.sort === 'META');
      if (blob !== undefined && isSpared(BlobRow.parse(blob).value)) continue;
      if (blob !== undefined) violated(`Blob ${digest} outlived ${content.model}@${content.version}.`);
      const { versions } = await bucket.listVersions({ prefix: `blobs/${digest}`, limit: 10 });
      if (versions.length > 0) violated(`The bytes of ${digest} outlived ${content.model}@${content.version}.`);
    }
  }

  async function wishAgain(end: number): Promise<void> {
    while (scheduler.now < end) {
      await scheduler.sleep(life, rng.below(focus === 'purges' ? 15 * SECOND_MS : 1.2 * MINUTE_MS));
      await tried(wish);
    }
  }

  return {
    act(durationMs) {
      if (focus !== 'regrets') scheduler.spawn(life, () => wishAgain(scheduler.now + durationMs));
      const late = regretted;
      if (late !== undefined) soon(durationMs, () => regret(late));
      else if (rng.chance(focus === 'regrets' ? 1 : 0.4)) soon(durationMs, removeForLater);
    },
    onRow,
    atRest: () => [...tombstones()].every((one) => one.state === 'purged' || isBlocked(one)),
    async check() {
      for (const tombstone of tombstones()) {
        if (tombstone.state === 'purged') await checkPurged(tombstone);
        else if (!isBlocked(tombstone)) {
          violated(`${tombstone.content.model}@${tombstone.content.version} is still ${tombstone.state}.`);
        }
      }
    },
  };
}
