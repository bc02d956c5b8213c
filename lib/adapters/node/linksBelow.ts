import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** Folders read in one go, a few milliseconds. */
const FOLDERS_AT_ONCE = 128;

/**
 * Every link below the folder `full`, named from `path` on. The calls are synchronous, because a round trip through the
 * thread pool costs ten times what a small folder does; others get their turn every few milliseconds.
 */
export async function linksBelow(full: string, path: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  const folders = [{ full, path }];
  let read = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder.full, { withFileTypes: true })) {
      const inner = { full: `${folder.full}/${entry.name}`, path: `${folder.path}/${entry.name}` };
      if (entry.isDirectory()) folders.push(inner);
      else if (entry.isSymbolicLink()) links.set(inner.path, readlinkSync(inner.full));
    }
    read += 1;
    if (read % FOLDERS_AT_ONCE === 0) await setImmediate();
  }
  return links;
}
