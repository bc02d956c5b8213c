import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** As users start it. */
export const STRATA = join(import.meta.dirname, '../../cli/bin.js');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The `strata` command as a process, which has nothing of this one's environment but where to find programs and compiled code. */
export function runStrata(args: readonly string[], { environment, cwd }: Surroundings = {}): Promise<Ended> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return new Promise((resolve) => {
    const options = { env: { PATH, NODE_COMPILE_CACHE, ...environment }, cwd };
    execFile(process.execPath, [STRATA, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
