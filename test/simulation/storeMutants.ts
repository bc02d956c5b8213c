import type { Mutant } from './mutant.ts';

/** Edits of the rules that a host's store keeps: what docs/store.md promises under each fault. */
export const storeMutants: readonly Mutant[] = [
  {
    id: 'quota-not-noticed',
    breaks:
      'Rule 5, space is measured: a quota that was lowered below what lies there looks like one that is just full.',
    file: 'agent/nvme/room.ts',
    find: 'const overQuota = used + bytes + headroomBytes - totalBytes;',
    replace: 'const overQuota = bytes + headroomBytes - totalBytes;',
  },
  {
    id: 'moved-although-leased',
    breaks: 'Rule 6, what is leased stays where its path says: a blob moves to another volume under its reader.',
    file: 'agent/nvme/moves.ts',
    find: 'if (stopped || parts.blobTurns.awaited(digest) || parts.leases.protects(digest)) throw new Interrupted();',
    replace: 'if (stopped || parts.blobTurns.awaited(digest)) throw new Interrupted();',
  },
  {
    id: 'move-not-hashed',
    breaks: 'Rule 4, nothing is visible before it is verified: a copy with a wrong bit takes the place of its blob.',
    file: 'agent/nvme/moves.ts',
    find: 'if (found === digest) return;',
    replace: 'if (found !== undefined) return;',
  },
  {
    id: 'move-takes-no-room',
    breaks: 'Rule 5, space is reserved before it is used: a blob is moved to a volume without asking whether it fits.',
    file: 'agent/nvme/admission.ts',
    find: 'missingBytes(parts, to, blob.size)',
    replace: 'Promise.resolve(0)',
  },
  {
    id: 'demotes-what-costs-more',
    breaks: 'What decides is dollars: a blob goes down to SSD although writing it wears off more than that saves.',
    file: 'agent/nvme/decideDemotion.ts',
    find: 'if (copyUsd(facts) > writeUsd + displacedUsd) return',
    replace: 'if (copyUsd(facts) > displacedUsd) return',
  },
  {
    id: 'pin-lost-in-repair',
    breaks: 'Rule 6, what is pinned stays: a blob that was fetched again because a bit flipped has lost its pin.',
    file: 'agent/nvme/ledgerState.ts',
    find: '        pinned: pinned || state.lost.get(record.digest)?.pinned === true,\n',
    replace: '',
  },
];
