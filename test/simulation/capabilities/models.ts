import { BlobRow, TombstoneRow, type Version, VersionRow } from '../../../lib/catalog/index.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

const FIRST_RULES = 'rules-0';

/** A version appears complete, of clean blobs only, and its files never change. */
export function models({ catalog, counters, scheduler }: Stage): Capability {
  const read = rowReader(VersionRow);

  /** A version goes only into a tombstone that can bring it back, and never from under a hold or its retention. */
  async function deleted({ model, version, hold, retainUntil }: Version): Promise<void> {
    const name = `${model}@${version}`;
    const tombstone = await TombstoneRow.get(catalog, model, version);
    if (tombstone?.value.state !== 'deleted') violated(`${name} was deleted without a tombstone.`);
    if (hold !== undefined) violated(`${name} was deleted under a legal hold.`);
    if (retainUntil !== undefined && scheduler.now < retainUntil)
      violated(`${name} was deleted before its retention ended.`);
    counters.count('version deleted');
  }

  async function onRow({ key, before, after }: RowChange): Promise<void> {
    if (!key.partition.startsWith('MODEL#') || !key.sort.startsWith('VERSION#')) return;
    if (after === undefined) {
      if (before !== undefined) await deleted(read(before));
      return;
    }
    const version = read(after);
    counters.count(before === undefined ? 'version published' : 'version changed');
    if (before !== undefined) {
      if (JSON.stringify(read(before).files) !== JSON.stringify(version.files)) {
        violated(`${version.model}@${version.version}: the files of a published version changed.`);
      }
      return;
    }
    for (const file of version.files) {
      const blob = await BlobRow.get(catalog, file.digest);
      if (blob === undefined) violated(`${version.model}@${version.version}: ${file.file} has no blob.`);
      // Later rules may refuse it at this very moment: then it is withdrawn, and never placed (rescans.ts).
      const { status, rules, admission } = blob.value.findings;
      if (status !== 'clean' && rules === FIRST_RULES && admission?.reason !== 'overridden') {
        violated(`${version.model}@${version.version}: ${file.file} is ${status} and servable.`);
      }
    }
  }

  return { onRow };
}
