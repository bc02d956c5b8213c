/** One file of /proc or /sys as it was found. `denied`: this user may not write it; `read-only`: nobody may, as in most containers. */
export interface FileReading {
  readonly text: string;
  readonly access: 'writable' | 'denied' | 'read-only';
}

/** A path below the root, as in `proc/sys/vm/swappiness`. */
export type HostFile = string;

/** What a host says of itself; nothing of it is judged yet. */
export interface HostReadings {
  /** What is absent or unreadable is not in it. */
  readonly files: ReadonlyMap<HostFile, FileReading>;
  readonly memoryBytes: number;
  /** `memory`: zram and the like alone. */
  readonly swap: 'none' | 'memory' | 'disk';
  /** The block devices below the store's file system, and how that is mounted. */
  readonly store: { readonly devices: readonly string[]; readonly mountOptions: readonly string[] };
  /** Of this process. `Infinity` for none. */
  readonly limits: { readonly openFiles: number; readonly lockedBytes: number };
  readonly irqBalance: boolean;
}

/** The one that is chosen in `always [never] deny`; else the text with single spaces. */
export function chosenOf(text: string): string {
  return /\[([^\]]+)\]/.exec(text)?.[1] ?? text.trim().split(/\s+/).join(' ');
}

/** All of `always [never] deny`; undefined where the file offers no choice. */
export function choicesOf(text: string): readonly string[] | undefined {
  return text.includes('[') ? text.replaceAll(/[[\]]/g, '').trim().split(/\s+/) : undefined;
}
