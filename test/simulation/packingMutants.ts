import type { Mutant } from './mutant.ts';

/** Edits of what holds of packed origins. */
export const packingMutants: readonly Mutant[] = [
  {
    id: 'packed-although-read',
    breaks: 'What is in use must not become slower to read: packing does not look at the reads.',
    file: 'lib/placement/packing.ts',
    find: "if (perDay >= OFTEN_PER_DAY || recent) return 'read-often';",
    replace: '',
  },
  {
    id: 'packed-although-pinned',
    breaks: 'Nothing under a pin is touched: packing does not look at who holds an object.',
    file: 'lib/placement/packing.ts',
    find: "if (facts.heldBy !== undefined) return 'held';",
    replace: '',
  },
  {
    id: 'pack-not-verified',
    breaks: 'Rule 4, nothing is visible before it is verified: packed bytes become the origin without being read back.',
    file: 'lib/tiering/rewriteOrigin.ts',
    find: '? await checkOrigin(deps, { blob, actionId: message.actionId, encoding, head }, remainingMs)',
    replace: "? 'right'",
  },
  {
    id: 'packed-served-as-is',
    breaks: 'A packed origin counts as one that is read at once: hosts are told to fetch what no model is.',
    file: 'lib/placement/readAtOnce.ts',
    find: 'return packed === undefined && rates.of(storageClass).instant;',
    replace: 'return rates.of(storageClass).instant;',
  },
  {
    id: 'packed-fetched-by-name',
    breaks:
      'A host that holds the bytes is told another name of them, and to fetch packed ones should it have lost them.',
    file: 'lib/fleet/placeOnHost.ts',
    find: 'if (!held || isPacked) return action.reason;',
    replace: 'if (!held) return action.reason;',
  },
  {
    id: 'packed-named-as-plain',
    breaks: "Rule 1: the switch names packed bytes as the blob's own.",
    file: 'lib/tiering/switchOrigin.ts',
    find: 'return { origin: { ...written, packed }, compressibility };',
    replace: 'return { origin: written, compressibility };',
  },
  {
    id: 'packed-old-deleted-at-once',
    breaks:
      'Rule 4, nothing is deleted while somebody may read it: what was packed goes as soon as the catalog has switched.',
    file: 'lib/tiering/switchOrigin.ts',
    find: 'delaySeconds: GRACE_SECONDS },',
    replace: 'delaySeconds: 0 },',
  },
  {
    id: 'packed-judged-as-is',
    breaks: 'The gate: a re-scan judges packed bytes as if they were the model.',
    file: 'lib/ingest/blobReader.ts',
    find: 'if (packed === undefined) return pinnedReader(objects, { key, versionId, size });',
    replace: 'return pinnedReader(objects, { key, versionId, size: packed?.bytes ?? size });',
  },
];
