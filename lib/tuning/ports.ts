import type { HostFile } from './readings.ts';

/** The settings of a host, by path below the root. Nothing but files of settings can be named. */
export interface HostSettings {
  /** What is chosen there, with single spaces; undefined where it is absent. */
  read(file: HostFile): Promise<string | undefined>;
  /** @throws TuningError `refused` with what the kernel said, `unknown-file` */
  write(file: HostFile, value: string): Promise<void>;
  /** @throws TuningError `not-ours` where `persist` would */
  assertOurs(file: string): Promise<void>;
  /** Writes a file that sets something at each boot, whole or not at all. @throws TuningError `not-ours` where another one is there */
  persist(file: string, text: string): Promise<void>;
  /** Removes it where it is ours; none is fine. @throws TuningError `refused` where it cannot be removed */
  unpersist(file: string): Promise<void>;
}
