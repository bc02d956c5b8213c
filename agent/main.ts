import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/*
 * The agent as a process. All of it is loaded by way of a cache of compiled code: a start takes a third of the time, and the
 * process 30 MB less. What the cache holds is run, so it lies in the store's folder, and only where nobody else may write that.
 */
const { values } = parseArgs({ strict: false, options: { data: { type: 'string' } } });
const data = values['data'] ?? process.env['STRATA_DATA'];
if (typeof data === 'string') keepCompiled(data);
await import('./wiring/main.ts');

function keepCompiled(store: string): void {
  try {
    const root = realpathSync(store);
    const folder = join(root, 'compiled');
    if (!isOurs(root)) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) return;
    // Of the threads, which begin with the environment.
    process.env['NODE_COMPILE_CACHE'] ??= folder;
    enableCompileCache(folder);
  } catch {
    // None yet, or a full or broken volume: the agent itself says what is wrong with it.
  }
}

/** Group members are somebody else, too. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
