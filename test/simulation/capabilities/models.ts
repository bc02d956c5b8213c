import { BlobRow, VersionRow } from '../../../lib/catalog/index.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

const FIRST_RULES = 'rules-0';

/** A version appears complete, of clean blobs only, and its files never change. */
export function models({ catalog, counters }: Stage): Capability {
  const read = rowReader(VersionRow);

  async function onRow({ key, before, after }: RowChange): Promise<void> {
    if (!key.partition.startsWith('MODEL#') || !key.sort.startsWith('VERSION#')) return;
    if (after === undefined) violated(`${key.partition} / ${key.sort}: a published version was deleted.`);
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
      if (blob.value.findings.status !== 'clean' && blob.value.findings.rules === FIRST_RULES) {
        violated(`${version.model}@${version.version}: ${file.file} is ${blob.value.findings.status} and servable.`);
      }
    }
  }

  return { onRow };
}
