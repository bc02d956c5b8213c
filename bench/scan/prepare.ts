import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const here = import.meta.dirname;
const run = promisify(execFile);

/** What the bench uses beside itself, each in a Python environment of its own under `.services`. */
const ENVIRONMENTS = [
  { name: 'scan-peers', requirements: 'peers.txt', python: ['python3.12', 'python3'] },
  { name: 'scan-libraries', requirements: 'libraries.txt', python: ['python3.12', 'python3'] },
  /** Of 2022: what files of then look like. PyPI has these wheels for Python 3.9 only. */
  { name: 'scan-libraries-older', requirements: 'libraries-older.txt', python: ['python3.9'] },
] as const;

export type EnvironmentName = (typeof ENVIRONMENTS)[number]['name'];

/** The environment's Python; undefined where it is not prepared. */
export function preparedPython(name: EnvironmentName): string | undefined {
  const python = join(folderOf(name), 'bin/python');
  return existsSync(python) ? python : undefined;
}

function folderOf(name: string): string {
  return join(process.env['STRATA_SERVICES_DIR'] ?? join(here, '../../.services'), name);
}

/**
 * Prepares all environments that are not there, from the pinned versions in `requirements/`: needs the network, some 8 GB of disk
 * and a Python with venv. An environment appears by one rename; one whose Python is missing is named and left out.
 */
export async function prepare(): Promise<void> {
  for (const { name, requirements, python } of ENVIRONMENTS) {
    if (preparedPython(name) !== undefined) continue;
    const found = await firstOf(python);
    if (found === undefined) {
      console.log(`SKIPPED ${name}: none of ${python.join(', ')} is installed`);
      continue;
    }
    const [partial, folder] = [`${folderOf(name)}.partial`, folderOf(name)];
    await rm(partial, { recursive: true, force: true });
    await run(found, ['-m', 'venv', partial]);
    const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', 'install', '--only-binary', ':all:'];
    await run(join(partial, 'bin/python'), [...pip, '--requirement', join(here, 'requirements', requirements)]);
    await rename(partial, folder);
    console.log(`prepared ${name} in ${folder}`);
  }
}

/** The first that runs: as installed, or where pyenv keeps the versions that it does not put on the path. */
async function firstOf(names: readonly string[]): Promise<string | undefined> {
  const versions = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const kept = existsSync(versions) ? readdirSync(versions) : [];
  const commands = names.flatMap((name) => [name, ...kept.map((version) => join(versions, version, 'bin', name))]);
  for (const command of commands) {
    try {
      await run(command, ['-c', 'import venv']);
      return command;
    } catch {
      // Not installed: the next one may be.
    }
  }
  return undefined;
}
