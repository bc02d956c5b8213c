import * as z from 'zod/mini';
import type { Change } from './findings.ts';
import { isSettingFile } from './judgeHostSettings.ts';
import { isPersistedFile } from './planPersistence.ts';
import { SETTING_VALUE } from './settings.ts';

const Written = {
  file: z.string().check(z.refine(isSettingFile, 'is no file of a setting')),
  value: z.string().check(z.regex(SETTING_VALUE)),
};
const Id = z.string().check(z.regex(/^[a-z0-9-]{1,64}$/));

/** What a journal may say: no file and no value that the settings do not have. */
export const JournalRecord = z.discriminatedUnion('entry', [
  z.object({
    entry: z.literal('trying'),
    setting: Id,
    changes: z.array(z.object({ ...Written, undo: z.array(z.object(Written)).check(z.minLength(1)) })),
  }),
  z.object({ entry: z.literal('kept'), setting: Id }),
  z.object({ entry: z.literal('undone'), setting: Id }),
  z.object({
    entry: z.literal('persisted'),
    files: z.array(z.string().check(z.refine(isPersistedFile, 'is no file that is persisted'))),
  }),
]);
export type JournalRecord = z.infer<typeof JournalRecord>;

/**
 * What was changed on this host and how it is undone, in order. A record is on the medium before `append` resolves. One
 * process at a time has it.
 */
export interface TuningJournal {
  /** Rejects with `damaged-journal` where a record other than a torn last one cannot be read. */
  records(): Promise<readonly JournalRecord[]>;
  append(record: JournalRecord): Promise<void>;
  /** Forgets all of it. */
  clear(): Promise<void>;
}

export interface OpenEntry {
  readonly setting: string;
  /** `trying`: the run that tried it did not come to its end. */
  readonly state: 'trying' | 'kept';
  readonly changes: readonly Change[];
}

/** What is not undone yet, the newest first, and the files that make it last. */
export function openEntries(records: readonly JournalRecord[]): {
  readonly entries: readonly OpenEntry[];
  readonly persisted: readonly string[];
} {
  const kept = new Map<string, readonly Change[]>();
  const trying = new Map<string, readonly Change[]>();
  const persisted = new Set<string>();
  for (const record of records) {
    switch (record.entry) {
      case 'trying':
        trying.set(record.setting, record.changes);
        break;
      case 'kept':
        kept.set(record.setting, together(kept.get(record.setting), trying.get(record.setting)));
        trying.delete(record.setting);
        break;
      case 'undone':
        if (!trying.delete(record.setting)) kept.delete(record.setting);
        break;
      case 'persisted':
        for (const file of record.files) persisted.add(file);
        break;
    }
  }
  const entries = [...new Set([...kept.keys(), ...trying.keys()])].map((setting): OpenEntry => {
    const state = trying.has(setting) ? 'trying' : 'kept';
    return { setting, state, changes: together(kept.get(setting), trying.get(setting)) };
  });
  return { entries: entries.toReversed(), persisted: [...persisted] };
}

/** Where a file was changed twice, what it held before the first time is what it goes back to. */
function together(earlier: readonly Change[] = [], later: readonly Change[] = []): readonly Change[] {
  const isNew = ({ file }: Change) => earlier.every((change) => change.file !== file);
  return [...earlier, ...later.filter(isNew)];
}
