import type { Mutant } from './mutant.ts';

const FILE = 'lib/ingest/deniedUpload.ts';

/** Edits of what is thought of an upload whose bytes the store refuses to the plane. */
export const refusalMutants: readonly Mutant[] = [
  {
    id: 'blamed-with-the-bucket',
    breaks: 'Quarantine: an upload is blamed for a refusal of the whole bucket, as where its key is disabled.',
    file: FILE,
    find: 'const isAlone = await isAnyBlobReadable(deps);',
    replace: 'const isAlone = true;',
  },
  {
    id: 'blamed-at-once',
    breaks: 'Quarantine: an upload is blamed for its second refusal, before people can mend a key or a right.',
    file: FILE,
    find: 'const DENIED_FOR_MS = DAY_MS;',
    replace: 'const DENIED_FOR_MS = 0;',
  },
  {
    id: 'blamed-for-days-of-the-bucket',
    breaks: 'Quarantine: the day of an upload goes on while everything is refused, and is over when that ends.',
    file: FILE,
    find: ': { ...row.value, deniedSince: undefined };',
    replace: ': row.value;',
  },
  {
    id: 'blamed-for-what-was-mended',
    breaks: 'Quarantine: the day of an upload goes on from a refusal that was mended before it was judged.',
    file: 'lib/ingest/settleVerdict.ts',
    find: '...ending(judgement, hop), deniedSince: undefined,',
    replace: '...ending(judgement, hop),',
  },
  {
    id: 'refused-for-ever',
    breaks: 'Rule 8: an upload that is refused for days is tried without an end.',
    file: FILE,
    find: 'if (now - since < DENIED_FOR_MS) return upload;',
    replace: 'if (now >= since) return upload;',
  },
];
