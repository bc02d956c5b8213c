import type { Digest } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { FOLDERS } from '../nvme/paths.ts';
import { createTurns } from '../nvme/turns.ts';
import { type NamedBlob, planView } from './planView.ts';

/** The `models/` tree of links that existing tools read. It is derived: whatever it lacks or has too much, the next call repairs. */
export interface ModelsView {
  /**
   * Brings the links on the disk in line with what may be seen at this moment; removals come first. Folders stay, also empty ones:
   * ComfyUI remembers each folder that it has listed, and fails to list its kind for good once one of them is gone. Where a folder
   * stands in a link's place, it wins. A link that cannot be made or taken away is told of, and holds up none of the others.
   */
  refresh(): Promise<void>;
  /**
   * As `refresh`. Afterwards no link leads to a copy of this blob that may not be seen: its file may go.
   * @throws DiskError one still does, or what there is cannot be read; of links to other blobs, and of links to be made, it is none
   */
  unlink(digest: Digest): Promise<void>;
}

/** `visible` answers the blobs that may be seen now. Links that an earlier incarnation left are read at the first refresh. */
export function createModelsView(
  disk: Disk,
  visible: () => Iterable<NamedBlob>,
  telemetry: Pick<Telemetry, 'error'>,
): ModelsView {
  const turns = createTurns();
  let present: Map<string, string> | undefined;

  /** Answers the links that are to go, and are still there: text → why. */
  async function bringInLine(): Promise<ReadonlyMap<string, unknown>> {
    const links = (present ??= new Map(await disk.readLinks(FOLDERS.models)));
    const wanted = planView(visible());
    const failed: { readonly path: string; readonly error: unknown }[] = [];
    const stuck = new Map<string, unknown>();

    async function takeAway(path: string, target: string): Promise<void> {
      try {
        await removeLink(disk, path);
        links.delete(path);
      } catch (error) {
        failed.push({ path, error });
        stuck.set(target, error);
      }
    }

    for (const [path, target] of links) if (!wanted.has(path)) await takeAway(path, target);
    for (const [path, target] of wanted) {
      const before = links.get(path);
      if (before === target) continue;
      try {
        await makeFolders(disk, path);
        if (before === undefined && (await isFolder(disk, path))) continue;
        // One that leads elsewhere is replaced without a moment in which it is missing.
        await disk.symlink(target, path);
        links.set(path, target);
      } catch (error) {
        failed.push({ path, error });
        if (before !== undefined) await takeAway(path, before);
      }
    }
    const [first] = failed;
    if (first !== undefined)
      telemetry.error('view-not-refreshed', first.error, { path: first.path, links: failed.length });
    return stuck;
  }

  return {
    refresh: () =>
      turns.take(async () => {
        try {
          await bringInLine();
        } catch (error) {
          telemetry.error('view-not-refreshed', error);
        }
      }),
    unlink: (digest) =>
      turns.take(async () => {
        for (const [target, error] of await bringInLine()) if (target.endsWith(`/${digest}`)) throw error;
      }),
  };
}

/** Whatever else stands there is no link of ours any more, and stays. */
async function removeLink(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if ((await disk.stat(path))?.kind === 'link') throw error;
  }
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  return (await disk.stat(path))?.kind === 'directory';
}

async function makeFolders(disk: Disk, path: string): Promise<void> {
  const segments = path.split('/').slice(0, -1);
  for (let depth = 2; depth <= segments.length; depth += 1)
    await disk.makeDirectory(segments.slice(0, depth).join('/'));
}
