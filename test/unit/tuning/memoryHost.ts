import { type HostSettings, type JournalRecord, TuningError, type TuningJournal } from '../../../lib/tuning/index.ts';

export class Crash extends Error {}

export interface MemoryHost {
  readonly host: HostSettings;
  readonly journal: TuningJournal;
  readonly files: Map<string, string>;
  readonly persisted: Map<string, string>;
  /** Files for boot that somebody else has written. */
  readonly foreign: Set<string>;
  readonly records: JournalRecord[];
  /** The call that dies, before or after its effect; counted from 0. */
  crashAt: { readonly call: number; readonly after: boolean } | undefined;
  calls: number;
}

/** A host and its journal in memory, with a kernel's peculiarities, that dies at any call that changes something. */
export function createMemoryHost(files: Readonly<Record<string, string>>, refuses: readonly string[] = []): MemoryHost {
  const world: MemoryHost = {
    files: new Map(Object.entries(files)),
    persisted: new Map(),
    foreign: new Set(),
    records: [],
    crashAt: undefined,
    calls: 0,
    host: {
      read: async (file) => world.files.get(file),
      write: (file, value) =>
        effect(() => {
          if (refuses.includes(file)) throw new TuningError({ code: 'refused', message: 'EINVAL', retryable: false });
          world.files.set(file, value);
          // Bytes and share of the same limit put each other out.
          if (file.endsWith('_bytes')) world.files.set(file.replace('_bytes', '_ratio'), '0');
          if (/dirty.*_ratio$/.test(file)) world.files.set(file.replace('_ratio', '_bytes'), '0');
          if (file.endsWith('/scheduler')) world.files.set(file.replace('scheduler', 'nr_requests'), '1023');
        }),
      async assertOurs(file) {
        if (world.foreign.has(file)) throw new TuningError({ code: 'not-ours', message: file, retryable: false });
      },
      persist: (file, text) => effect(() => void world.persisted.set(file, text)),
      unpersist: (file) => effect(() => void world.persisted.delete(file)),
    },
    journal: {
      records: async () => [...world.records],
      append: (record) => effect(() => void world.records.push(record)),
      clear: () => effect(() => void world.records.splice(0)),
    },
  };

  async function effect(work: () => void): Promise<void> {
    const crash = world.crashAt?.call === world.calls ? world.crashAt : undefined;
    world.calls += 1;
    if (crash?.after === false) throw new Crash();
    work();
    if (crash !== undefined) throw new Crash();
  }
  return world;
}
