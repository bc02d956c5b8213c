import type { Disk } from '../../lib/shared/ports/disk.ts';
import { FOLDERS } from '../nvme/paths.ts';
import { createTurns } from '../nvme/turns.ts';
import { type NamedBlob, planView } from './planView.ts';

/** The `models/` tree of links that existing tools read. It is derived: whatever it lacks or has too much, `refresh` repairs. */
export interface ModelsView {
  /**
   * Brings the links on the disk in line with what may be seen at this moment; removals come first. Folders stay, also empty ones:
   * ComfyUI remembers each folder that it has listed, and fails to list its kind for good once one of them is gone.
   * @throws DiskError
   */
  refresh(): Promise<void>;
}

/** `visible` answers the blobs that may be seen now. Links that an earlier incarnation left are read at the first refresh. */
export function createModelsView(disk: Disk, visible: () => Iterable<NamedBlob>): ModelsView {
  const turns = createTurns();
  let present: Map<string, string> | undefined;

  async function bringInLine(): Promise<void> {
    present ??= new Map(await disk.readLinks(FOLDERS.models));
    const wanted = planView(visible());
    for (const path of present.keys()) {
      // One that only leads elsewhere now is replaced below, without a moment in which it is missing.
      if (wanted.has(path)) continue;
      await disk.remove(path);
      present.delete(path);
    }
    for (const [path, target] of wanted) {
      if (present.get(path) === target) continue;
      await makeFolders(disk, path);
      await disk.symlink(target, path);
      present.set(path, target);
    }
  }

  return { refresh: () => turns.take(bringInLine) };
}

async function makeFolders(disk: Disk, path: string): Promise<void> {
  const segments = path.split('/').slice(0, -1);
  for (let depth = 2; depth <= segments.length; depth += 1)
    await disk.makeDirectory(segments.slice(0, depth).join('/'));
}
