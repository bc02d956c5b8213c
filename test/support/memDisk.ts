import { diskSegments } from '../../lib/adapters/diskPath.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import {
  absent,
  checkReplaceable,
  contents,
  describe,
  type Directory,
  emptyFile,
  type File,
  flush,
  onMedium,
  linksBelow,
  type NameOperation,
  type Node,
  padded,
  PAGE,
  pagesBelow,
  pagesOf,
  perform,
  restore,
  statOf,
  writablePage,
} from './memDiskNodes.ts';

/*
 * A file system in memory with a page cache. What a call changes is seen at once by later calls, but survives a power cut
 * only after the sync that POSIX asks for:
 *  - a file's pages and size after `sync(file)`; until then each dirty page may or may not reach the device;
 *  - a name (create, rename, remove, link) after `syncDirectory(parent)`; until then each operation may or may not, but a
 *    rename is never half done (journaling file systems promise that much).
 * `powerCut` asks its argument for each of these. It is weaker than ext4 or xfs: it may keep a later operation and lose an
 * earlier one.
 */

export interface MemDisk extends Disk {
  /** Loses what is not on the device; `survives` decides, in a fixed order, about each page and operation in between. */
  powerCut(survives: () => boolean): void;
  /** Damages one bit of a file: on the medium alone, or also what the page cache holds of it. */
  flipBit(path: string, offset: number, where?: 'everywhere' | 'medium'): void;
  /** All names, for assertions: files with their size, folders with a trailing `/`. */
  tree(): readonly string[];
}

export interface MemDiskOptions {
  readonly totalBytes?: number;
  readonly now?: () => number;
}

export function createMemDisk(options: MemDiskOptions = {}): MemDisk {
  const totalBytes = options.totalBytes ?? 2 ** 40;
  const now = options.now ?? (() => 0);
  const root: Directory = { kind: 'directory', names: new Map(), durableNames: new Map() };
  let journal: NameOperation[] = [];
  let usedPages = 0;

  function find(path: string): Node | undefined {
    let node: Node | undefined = root;
    for (const segment of diskSegments(path)) {
      if (node?.kind === 'link') throw new DiskError('denied', `${path} lies behind a link.`);
      node = node?.kind === 'directory' ? node.names.get(segment) : undefined;
    }
    return node;
  }

  function parentOf(path: string): { readonly parent: Directory; readonly name: string } {
    const segments = diskSegments(path);
    const name = segments.at(-1);
    if (name === undefined) throw new DiskError('denied', 'The root cannot be changed.');
    return { parent: directory(segments.slice(0, -1).join('/') || '.'), name };
  }

  function directory(path: string): Directory {
    const node = find(path);
    if (node?.kind === 'link') throw new DiskError('denied', `${path} is a link.`);
    if (node?.kind !== 'directory') throw absent(path);
    return node;
  }

  function file(path: string): File {
    const node = find(path);
    if (node === undefined) throw absent(path);
    if (node.kind !== 'file') throw new DiskError('denied', `${path} is a ${node.kind}.`);
    return node;
  }

  function writable(path: string): File {
    const found = find(path);
    if (found === undefined) {
      const { parent, name } = parentOf(path);
      const node = emptyFile(now());
      change({ adds: { to: parent, name, node } });
      return node;
    }
    const existing = file(path);
    if (existing.readOnly) throw new DiskError('denied', `${path} is read-only.`);
    return existing;
  }

  function change(operation: NameOperation): void {
    const replaced = operation.adds?.to.names.get(operation.adds.name);
    perform(operation, (directory) => directory.names);
    if (replaced?.kind === 'file' && replaced !== operation.adds?.node) usedPages -= pagesOf(replaced);
    journal.push(operation);
  }

  function claim(pages: number): void {
    const more = Math.max(0, pages);
    if ((usedPages + more) * PAGE > totalBytes) throw new DiskError('no-space', 'The volume is full.');
    usedPages += more;
  }

  return {
    async write(path, offset, bytes) {
      const node = writable(path);
      const end = offset + bytes.byteLength;
      const first = Math.floor(offset / PAGE);
      const beyond = bytes.byteLength === 0 ? first : Math.ceil(end / PAGE);
      let fresh = 0;
      for (let page = first; page < beyond; page += 1) if (!node.pages.has(page) && page >= node.claimed) fresh += 1;
      claim(fresh);
      for (let page = first; page < beyond; page += 1) {
        const from = Math.max(offset, page * PAGE);
        const part = bytes.subarray(from - offset, Math.min(end, (page + 1) * PAGE) - offset);
        writablePage(node, page).set(part, from - page * PAGE);
        node.dirty.add(page);
      }
      node.size = Math.max(node.size, end);
      node.modifiedMs = now();
    },
    async read(path, offset, length, from) {
      const node = file(path);
      const pages = from === 'medium' ? onMedium(node) : node.pages;
      return contents(pages, offset, Math.max(0, Math.min(length, node.size - offset)));
    },
    async truncate(path, size) {
      if (find(path) === undefined) throw absent(path);
      const node = writable(path);
      const before = pagesOf(node);
      for (const page of node.pages.keys()) {
        if (page * PAGE >= size) node.pages.delete(page);
        else if ((page + 1) * PAGE > size) node.pages.set(page, padded(node.pages.get(page), size - page * PAGE));
        else continue;
        node.dirty.add(page);
      }
      node.claimed = Math.min(node.claimed, Math.ceil(size / PAGE));
      usedPages += pagesOf(node) - before;
      node.size = size;
      node.modifiedMs = now();
    },
    async allocate(path, size) {
      const pages = Math.ceil(size / PAGE);
      const node = writable(path);
      claim(pages - pagesBelow(node, pages));
      node.claimed = Math.max(node.claimed, pages);
      node.size = Math.max(node.size, size);
    },
    async sync(path) {
      flush(file(path), () => true);
    },
    async syncDirectory(path) {
      const target = directory(path);
      const rest: NameOperation[] = [];
      for (const operation of journal) {
        if (operation.removes?.from === target || operation.adds?.to === target) {
          perform(operation, (directory) => directory.durableNames);
        } else rest.push(operation);
      }
      journal = rest;
    },
    async rename(from, to) {
      const node = find(from);
      if (node === undefined) throw absent(from);
      const [source, target] = [parentOf(from), parentOf(to)];
      const replaced = target.parent.names.get(target.name);
      if (replaced === node) return;
      checkReplaceable(node, replaced, to);
      change({
        removes: { from: source.parent, name: source.name },
        adds: { to: target.parent, name: target.name, node },
      });
    },
    async remove(path) {
      const node = find(path);
      if (node === undefined) return;
      if (node.kind === 'directory') throw new DiskError('denied', `${path} is a directory.`);
      const { parent, name } = parentOf(path);
      if (node.kind === 'file') usedPages -= pagesOf(node);
      change({ removes: { from: parent, name } });
    },
    async makeDirectory(path) {
      const segments = diskSegments(path);
      for (let depth = 1; depth <= segments.length; depth += 1) {
        const step = segments.slice(0, depth).join('/');
        const node = find(step);
        if (node?.kind === 'directory') continue;
        if (node !== undefined) throw new DiskError('exists', `${step} is a ${node.kind}.`);
        const { parent, name } = parentOf(step);
        change({ adds: { to: parent, name, node: { kind: 'directory', names: new Map(), durableNames: new Map() } } });
      }
    },
    async list(path) {
      return [...directory(path).names.keys()].toSorted();
    },
    async stat(path) {
      const node = find(path);
      return node === undefined ? undefined : statOf(node);
    },
    async symlink(target, path) {
      const old = find(path);
      if (old !== undefined && old.kind !== 'link') throw new DiskError('exists', `${path} is no link.`);
      const { parent, name } = parentOf(path);
      change({ adds: { to: parent, name, node: { kind: 'link', target } } });
    },
    async readLinks(path) {
      return new Map(linksBelow(path, directory(path)));
    },
    async setReadOnly(path) {
      file(path).readOnly = true;
    },
    async space() {
      return { totalBytes, freeBytes: Math.max(0, totalBytes - usedPages * PAGE) };
    },
    powerCut(survives) {
      for (const operation of journal) if (survives()) perform(operation, (directory) => directory.durableNames);
      journal = [];
      usedPages = 0;
      restore(root, survives, (node) => {
        usedPages += pagesOf(node);
      });
    },
    flipBit(path, offset, where = 'everywhere') {
      const node = file(path);
      for (const pages of where === 'medium' ? [node.durablePages] : [node.pages, node.durablePages]) {
        const page = Uint8Array.from(pages.get(Math.floor(offset / PAGE)) ?? new Uint8Array(PAGE));
        page[offset % PAGE] = (page[offset % PAGE] ?? 0) ^ 1;
        pages.set(Math.floor(offset / PAGE), page);
      }
    },
    tree() {
      return describe('', root);
    },
  };
}
