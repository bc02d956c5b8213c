#!/usr/bin/env node
// Runs `main.ts` on Node 24, which reads TypeScript: this process where it is one, else the one that npm installed.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import * as module from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = new URL('./main.ts', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= 24) {
  keepCompiled();
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    process.stderr.write('strata needs Node 24 or newer. Run `npm ci` in its folder, which brings one.\n');
    process.exit(1);
  }
  // This file again, so that what is compiled is kept.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 130));
}

/** What is compiled once is kept: a start takes half the time. What the folder holds is run, so nobody else may write there. */
function keepCompiled() {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  const folder = join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'strata', 'compiled');
  try {
    // Root with a user's home makes no folder there that the user cannot write.
    if (!isOurs(nearestThere(folder))) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (![folder, dirname(folder), dirname(dirname(folder))].every(isOurs)) return;
    // Of the threads, which begin with the environment.
    process.env['NODE_COMPILE_CACHE'] ??= folder;
    module.enableCompileCache(folder);
  } catch {
    // No home, or one that cannot be written: everything is compiled as it is needed.
  }
}

function nearestThere(folder) {
  return existsSync(folder) ? folder : nearestThere(dirname(folder));
}

/** Group members are somebody else, too. */
function isOurs(folder) {
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
