import type { Mutant } from './mutant.ts';

/** Edits that break the audit trail. */
export const auditMutants: readonly Mutant[] = [
  {
    id: 'verdict-without-entry',
    breaks: 'The audit trail: a verdict changes and nothing records it.',
    file: 'lib/ingest/judgedRows.ts',
    find: '[put, ...(await auditChanges(catalog, record))]',
    replace: '[put]',
  },
  {
    id: 'withdrawal-without-entry',
    breaks: 'The audit trail: a version is withdrawn and nothing records it.',
    file: 'lib/ingest/alignVersions.ts',
    find: "      ...(await auditChanges(deps.catalog, versionRecord(changed, blob.value, step('align-version'), now))),\n",
    replace: '',
  },
  {
    id: 'entry-chained-to-nothing',
    breaks: 'The audit trail: an entry does not name the one before it.',
    file: 'lib/audit/record.ts',
    find: 'previous: last === undefined ? NOTHING_BEFORE : entryHash(last),',
    replace: 'previous: NOTHING_BEFORE,',
  },
  {
    id: 'previous-not-checked',
    breaks:
      'The audit trail: an altered entry that waits for its seal passes, since nobody looks at what its successor names.',
    file: 'lib/audit/checkChain.ts',
    find: 'if (entry.previous !== previous) {',
    replace: 'if (entry.previous === undefined) {',
  },
  {
    id: 'sealer-skips',
    breaks: 'The audit trail: the first entry of an object is forgotten without a seal.',
    file: 'lib/audit/sealTrail.ts',
    find: 'if (entry === undefined) missing.push(`Entry ${number} of ${object}`);',
    replace: 'if (entry === undefined || entry.number === 1) continue;',
  },
  {
    id: 'sealer-forks',
    breaks: 'The audit trail: of two sealers the second writes over the seal of the first.',
    file: 'lib/audit/sealObjects.ts',
    find: "{ onlyIf: 'absent', retainUntil }",
    replace: '{ retainUntil }',
  },
  {
    id: 'sealed-before-locked',
    breaks:
      'The audit trail: the sealer takes its own seal for the one in the bucket, and what the other one holds is sealed twice or never.',
    file: 'lib/audit/sealTrail.ts',
    find: '    await writeSeal(deps.seals, seal, EpochMs.parse(now + deps.settings.auditRetentionMs));\n',
    replace:
      '    await forgetUnsealed(deps.catalog, entries);\n    await writeSeal(deps.seals, seal, EpochMs.parse(now + deps.settings.auditRetentionMs));\n',
  },
];
