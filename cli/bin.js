#!/usr/bin/env node
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import * as module from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { startProgram } from '../programs/start.js';

await startProgram('cli', keepCompiled);

/** What is compiled once is kept: a start takes less time. What the folder holds is run, so nobody else may write there. */
function keepCompiled() {
  // Whoever starts it keeps it elsewhere.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return;
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  const folder = join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'strata', 'compiled');
  try {
    // Root with a user's home makes no folder there that the user cannot write.
    if (!isOurs(nearestThere(folder))) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (![folder, dirname(folder), dirname(dirname(folder))].every(isOurs)) return;
    // Of the threads, which begin with the environment.
    process.env['NODE_COMPILE_CACHE'] = folder;
    module.enableCompileCache(folder);
  } catch {
    // No home, or one that cannot be written: everything is compiled as it is needed.
  }
}

/**
 * @param {string} folder
 * @returns {string}
 */
function nearestThere(folder) {
  return existsSync(folder) ? folder : nearestThere(dirname(folder));
}

/**
 * Group members are somebody else, too.
 * @param {string} folder
 */
function isOurs(folder) {
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
