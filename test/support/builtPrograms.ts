import { join } from 'node:path';
import { builtFolder, ROOT } from '../../programs/built.js';

/** Vitest's `globalSetup`: the programs are built once before tests that start them, not by whichever start comes first. */
export default async function buildPrograms(): Promise<void> {
  await builtFolder();
}

/**
 * What `agent/bin.js` starts once it has looked whether that is the tree's code: the looking is a twentieth of a start, and tests start
 * agents by the hundred.
 */
export async function builtAgent(): Promise<string> {
  const folder = await builtFolder();
  return folder === undefined ? join(ROOT, 'agent/main.ts') : join(folder, 'agent.js');
}
