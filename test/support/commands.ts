import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, vi } from 'vitest';

/** Commands of the CLI within the process of the test, which has a folder of its own. */
export function useCommands(...registers: readonly ((program: Command) => void)[]) {
  let folder = '';
  let printed = '';
  let told = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strata-commands-'));
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      told += String(text);
      return true;
    });
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
    await rm(folder, { recursive: true });
  });

  /** Answers what it printed. Throws what the command throws. */
  async function strata(...args: readonly string[]): Promise<string> {
    const program = new Command().exitOverride();
    for (const register of registers) register(program);
    printed = '';
    told = '';
    await program.parseAsync(['node', 'strata', ...args]);
    return printed;
  }

  /** The same with `--json`, one object a line. */
  async function records(...args: readonly string[]): Promise<Record<string, unknown>[]> {
    const lines = (await strata(...args, '--json')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  return {
    strata,
    records,
    file,
    at: (name: string) => join(folder, name),
    /** What the last command said on stdout, also where it failed. */
    printed: () => printed,
    /** What the last command said on stderr. */
    told: () => told,
  };
}
