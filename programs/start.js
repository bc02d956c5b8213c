import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtFolder, ROOT } from './built.js';

/**
 * Runs a program on Node 24, which reads TypeScript: in this process where it is one, else in one that npm installed. From its build
 * where there is one of the tree as it is, else from its modules.
 * @param {'cli' | 'agent' | 'runtime'} program its folder, with its `bin.js` and its `main.ts`
 * @param {() => void} [prepare] what comes first in the process that runs it
 */
export async function startProgram(program, prepare) {
  if (Number(process.versions.node.split('.')[0]) < 24) {
    startOnNode24(join(ROOT, program, 'bin.js'));
    return;
  }
  prepare?.();
  const built = await builtFolder();
  const file = built === undefined ? join(ROOT, program, 'main.ts') : join(built, `${program}.js`);
  await import(pathToFileURL(file).href);
}

/** @param {string} program */
function startOnNode24(program) {
  const node = join(ROOT, 'node_modules/node/bin/node');
  if (!existsSync(node)) {
    process.stderr.write('strata needs Node 24 or newer. Run `npm ci` in its folder, which brings one.\n');
    process.exit(1);
  }
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 130));
}
