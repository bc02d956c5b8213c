import { vi } from 'vitest';
import { runCommand } from '../../cli/program.ts';
import type { Ended, Surroundings } from './strataProcess.ts';

/**
 * The `strata` command within this process, one at a time, with the surroundings that `runStrata` gives it: most of what a
 * command computes is the start of its process, which some tests are for and most are not.
 */
export async function strataHere(args: readonly string[], { environment, cwd }: Surroundings = {}): Promise<Ended> {
  const before = { env: process.env, cwd: process.cwd(), exitCode: process.exitCode };
  const stdout = captured(process.stdout);
  const stderr = captured(process.stderr);
  try {
    Object.assign(process, { env: { PATH: before.env['PATH'], ...environment }, exitCode: undefined });
    if (cwd !== undefined) process.chdir(cwd);
    await runCommand(args);
    return { code: Number(process.exitCode ?? 0), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.env = before.env;
    process.exitCode = before.exitCode;
    process.chdir(before.cwd);
    stdout.end();
    stderr.end();
  }
}

type Written = (error?: Error | null) => void;

function captured(stream: NodeJS.WriteStream) {
  let text = '';
  const write = vi
    .spyOn(stream, 'write')
    .mockImplementation((chunk: string | Uint8Array, encoding?: BufferEncoding | Written, written?: Written) => {
      text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      const done = typeof encoding === 'function' ? encoding : written;
      if (done !== undefined) process.nextTick(done);
      return true;
    });
  return { text: () => text, end: () => write.mockRestore() };
}
