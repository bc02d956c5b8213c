import type { VolumeName } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';

const MOUNT = /^volumes\/([^/]+)(?:\/(.*))?$/s;

/** Which volume beside the first a path leads to, and where on it; `name` is undefined for the first. */
export function splitVolume(path: string): { readonly name: string | undefined; readonly inner: string } {
  const [, name, inner] = MOUNT.exec(path) ?? [];
  return name === undefined ? { name, inner: path } : { name, inner: inner ?? '.' };
}

/** One `Disk` over several: paths below `volumes/<name>` are those of that volume, all others those of the first. */
export function joinVolumes(first: Disk, others: ReadonlyMap<VolumeName, Disk>): Disk {
  const byName: ReadonlyMap<string, Disk> = others;

  function at(path: string): { readonly disk: Disk; readonly path: string } {
    const { name, inner } = splitVolume(path);
    const disk = name === undefined ? first : byName.get(name);
    if (disk === undefined) throw new DiskError('io', `There is no volume ${name}.`);
    return { disk, path: inner };
  }

  async function on<T>(path: string, work: (disk: Disk, path: string) => Promise<T>): Promise<T> {
    const place = at(path);
    return work(place.disk, place.path);
  }

  return {
    write: (path, offset, bytes) => on(path, (disk, inner) => disk.write(inner, offset, bytes)),
    read: (path, offset, length, from) => on(path, (disk, inner) => disk.read(inner, offset, length, from)),
    truncate: (path, size) => on(path, (disk, inner) => disk.truncate(inner, size)),
    allocate: (path, size) => on(path, (disk, inner) => disk.allocate(inner, size)),
    sync: (path) => on(path, (disk, inner) => disk.sync(inner)),
    syncDirectory: (path) => on(path, (disk, inner) => disk.syncDirectory(inner)),
    rename: (from, to) =>
      on(from, (disk, inner) => {
        const target = at(to);
        if (target.disk !== disk) throw new DiskError('io', `${from} and ${to} lie on different volumes.`);
        return disk.rename(inner, target.path);
      }),
    remove: (path) => on(path, (disk, inner) => disk.remove(inner)),
    makeDirectory: (path) => on(path, (disk, inner) => disk.makeDirectory(inner)),
    list: (path) => on(path, (disk, inner) => disk.list(inner)),
    stat: (path) => on(path, (disk, inner) => disk.stat(inner)),
    symlink: (target, path) => on(path, (disk, inner) => disk.symlink(target, inner)),
    readLinks: (path) => on(path, (disk, inner) => disk.readLinks(inner)),
    setReadOnly: (path) => on(path, (disk, inner) => disk.setReadOnly(inner)),
    space: (path = '.') => on(path, (disk, inner) => disk.space(inner)),
  };
}
