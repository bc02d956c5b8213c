import { UploadRow } from '../../../lib/catalog/index.ts';
import { type Release, releaseUpload } from '../../../lib/ingest/index.ts';
import { StrataError } from '../../../lib/shared/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import { pickle } from '../samples.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** How long an operator thinks: somebody may upload once more under the key meanwhile, or a release with other rules judge it. */
const SHORT_MS = 4 * MINUTE_MS;
const LONG_MS = 40 * MINUTE_MS;
const REPLACED = 0.6;

/** Operators release what was judged malicious, and think about it for a while: nothing leaves quarantine but what they looked at, as it was judged then. */
export function overrides(stage: Stage, rng: Rng): Capability {
  const { scheduler, bucket, counters } = stage;
  const life = scheduler.incarnation('overrides');
  const readUpload = rowReader(UploadRow);
  const lookedAt = new Set<string>();
  let pushed = 0;

  /** Absent where it is refused, or no answer comes. */
  async function ask(wish: Release): Promise<Awaited<ReturnType<typeof releaseUpload>> | undefined> {
    try {
      return await releaseUpload(stage.depsOf(life), wish);
    } catch (error) {
      if (!(error instanceof StrataError)) throw error;
      counters.count(`override: ${error.code}`);
      return undefined;
    }
  }

  /** Each of other bytes. */
  async function push(key: string): Promise<void> {
    pushed += 1;
    await bucket.write(key, pickle(String.fromCharCode(97 + (pushed % 26), 97 + rng.below(26))));
  }

  async function override(key: string): Promise<void> {
    const wish = { key, reason: 'read by hand', by: 'operator' };
    await push(key);
    await scheduler.sleep(life, MINUTE_MS + rng.below(MINUTE_MS));
    const seen = await ask({ ...wish, dryRun: true });
    const rules = seen?.findings?.rules;
    if (seen === undefined || rules === undefined) return;
    const { versionId } = seen;
    lookedAt.add(`${key} ${versionId} ${rules}`);
    const long = rng.chance(0.4);
    if (!long && rng.chance(REPLACED)) await push(key);
    await scheduler.sleep(life, long ? LONG_MS : rng.below(SHORT_MS));
    const released = await ask({ ...wish, versionId, rules, dryRun: false });
    if (released !== undefined) counters.count('override: released');
  }

  function onUpload({ key, before, after }: RowChange): void {
    if (before === undefined || after === undefined || readUpload(before).state !== 'quarantined') return;
    const { state, versionId, findings } = readUpload(after);
    if (state !== 'digesting') return;
    const released = `${key.partition.slice('UPLOAD#'.length)} ${versionId} ${findings?.rules}`;
    if (!lookedAt.has(released)) violated(`${released} was released, and nobody had looked at it.`);
  }

  return {
    act(durationMs) {
      if (!rng.chance(0.3)) return;
      const key = `uploads/${rng.pick(stage.models)}/0.${pushed}.0/read.pkl`;
      scheduler.spawn(life, async () => {
        await scheduler.sleep(life, rng.below(Math.max(SECOND_MS, durationMs - 5 * MINUTE_MS)));
        await override(key);
      });
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('UPLOAD#') && sort.startsWith('VERSION#')) onUpload(change);
    },
  };
}
