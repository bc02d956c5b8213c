export interface FileStat {
  readonly size: number;
  /** Bytes that the file really takes on the device (a sparse file takes fewer than its size). */
  readonly allocatedBytes: number;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly modifiedMs: number;
}

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: 'no-space' | 'not-found' | 'exists' | 'io' | 'not-empty' | 'denied';
  constructor(code: DiskError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * A directory tree on one volume; paths are relative to its root, with `/`, and never leave it; `.` is the root itself.
 * Links are never followed.
 *
 * Durability, as POSIX gives it: bytes survive a power cut after `sync(file)`; names (create, rename, remove, link) after
 * `syncDirectory(parent)`. `rename` replaces its target atomically. Every failed call throws `DiskError`.
 */
export interface Disk {
  /** Creates the file when it is absent (mode 0600), then writes; never truncates. */
  write(path: string, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Up to `length` bytes; fewer only at the end of the file. From the `medium`: past what the kernel keeps of it in memory, where
   * the file system allows it.
   */
  read(path: string, offset: number, length: number, from?: 'anywhere' | 'medium'): Promise<Uint8Array>;
  /** Cuts or, with zeros that take no blocks, extends an existing file. */
  truncate(path: string, size: number): Promise<void>;
  /**
   * Creates the file when it is absent, makes it at least `size` bytes long (zeros at its end) and claims blocks for them,
   * so that later writes inside cannot meet a full disk; `no-space` when there is no room.
   */
  allocate(path: string, size: number): Promise<void>;
  sync(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a link; `not-found` is no error. */
  remove(path: string): Promise<void>;
  /** With its parents; an existing directory is no error. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted by code unit. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<FileStat | undefined>;
  /** A relative symbolic link at `path` whose text is `target`; replaces an existing link atomically. */
  symlink(target: string, path: string): Promise<void>;
  /** Every link below a directory at any depth: path → text. Made for large trees. */
  readLinks(path: string): Promise<ReadonlyMap<string, string>>;
  setReadOnly(path: string): Promise<void>;
  /** What the volume of `path` (the root where it is not said), its quota and the cgroup leave to us. */
  space(path?: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;
}
