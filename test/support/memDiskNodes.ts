import type { FileStat } from '../../lib/shared/ports/disk.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';

// What a disk in memory consists of: pages and names, each as it is seen and as it is on the device.

export const PAGE = 4096;

export interface File {
  readonly kind: 'file';
  size: number;
  readonly pages: Map<number, Uint8Array>;
  readonly dirty: Set<number>;
  durableSize: number;
  readonly durablePages: Map<number, Uint8Array>;
  /** Pages claimed by `allocate`, whether written or not. */
  claimed: number;
  modifiedMs: number;
  readOnly: boolean;
}

interface Link {
  readonly kind: 'link';
  readonly target: string;
}

export interface Directory {
  readonly kind: 'directory';
  readonly names: Map<string, Node>;
  readonly durableNames: Map<string, Node>;
}

export type Node = File | Link | Directory;

/** One change of names: atomic, and durable when any directory that it touches is synced. */
export interface NameOperation {
  readonly removes?: { readonly from: Directory; readonly name: string };
  readonly adds?: { readonly to: Directory; readonly name: string; readonly node: Node };
}

export function absent(path: string): DiskError {
  return new DiskError('not-found', `${path} is not there.`);
}

export function emptyFile(modifiedMs: number): File {
  return {
    kind: 'file',
    size: 0,
    pages: new Map(),
    dirty: new Set(),
    durableSize: 0,
    durablePages: new Map(),
    claimed: 0,
    modifiedMs,
    readOnly: false,
  };
}

export function checkReplaceable(node: Node, replaced: Node | undefined, to: string): void {
  if (replaced === undefined) return;
  if (replaced.kind === 'directory' && node.kind !== 'directory')
    throw new DiskError('denied', `${to} is a directory.`);
  if (replaced.kind !== 'directory' && node.kind === 'directory') throw absent(to);
  if (replaced.kind === 'directory' && replaced.names.size > 0) throw new DiskError('not-empty', `${to} is not empty.`);
}

/** An operation whose source was lost has nothing to move: it is skipped. */
export function perform(operation: NameOperation, namesOf: (directory: Directory) => Map<string, Node>): void {
  const { removes, adds } = operation;
  if (removes !== undefined) {
    const names = namesOf(removes.from);
    if (adds !== undefined && names.get(removes.name) !== adds.node) return;
    names.delete(removes.name);
  }
  if (adds !== undefined) namesOf(adds.to).set(adds.name, adds.node);
}

export function flush(node: File, survives: () => boolean): void {
  for (const page of [...node.dirty].toSorted((a, b) => a - b)) {
    if (!survives()) continue;
    const bytes = node.pages.get(page);
    if (bytes === undefined) node.durablePages.delete(page);
    else node.durablePages.set(page, bytes);
  }
  node.dirty.clear();
  if (node.size !== node.durableSize && survives()) node.durableSize = node.size;
}

/** Makes what is seen equal to what is on the device. */
export function restore(directory: Directory, survives: () => boolean, onFile: (file: File) => void): void {
  directory.names.clear();
  for (const [name, node] of directory.durableNames) {
    directory.names.set(name, node);
    if (node.kind === 'directory') restore(node, survives, onFile);
    if (node.kind !== 'file') continue;
    flush(node, survives);
    node.size = node.durableSize;
    node.claimed = Math.min(node.claimed, Math.ceil(node.size / PAGE));
    node.pages.clear();
    for (const [page, bytes] of node.durablePages) if (page * PAGE < node.size) node.pages.set(page, bytes);
    onFile(node);
  }
}

export function pagesBelow(node: File, limit: number): number {
  let count = Math.min(node.claimed, limit);
  for (const page of node.pages.keys()) if (page >= node.claimed && page < limit) count += 1;
  return count;
}

export function pagesOf(node: File): number {
  return pagesBelow(node, Number.POSITIVE_INFINITY);
}

/** What a read past the page cache finds: the kernel writes dirty pages out before it. */
export function onMedium({ pages, dirty, durablePages }: File): ReadonlyMap<number, Uint8Array> {
  if (dirty.size === 0) return durablePages;
  return new Map([...durablePages, ...[...pages].filter(([page]) => dirty.has(page))]);
}

export function contents(pages: ReadonlyMap<number, Uint8Array>, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const beyond = length === 0 ? 0 : Math.ceil((offset + length) / PAGE);
  for (let page = Math.floor(offset / PAGE); page < beyond; page += 1) {
    const stored = pages.get(page);
    if (stored === undefined) continue;
    const from = Math.max(offset, page * PAGE);
    const to = Math.min(offset + length, (page + 1) * PAGE);
    bytes.set(stored.subarray(from - page * PAGE, to - page * PAGE), from - offset);
  }
  return bytes;
}

export function padded(page: Uint8Array | undefined, keep: number): Uint8Array {
  const copy = new Uint8Array(PAGE);
  if (page !== undefined) copy.set(page.subarray(0, keep));
  return copy;
}

/** A page that may be changed: one that is on the device stays there as it is. */
export function writablePage(node: File, page: number): Uint8Array {
  const stored = node.pages.get(page);
  if (stored !== undefined && node.durablePages.get(page) !== stored) return stored;
  const copy = padded(stored, PAGE);
  node.pages.set(page, copy);
  return copy;
}

export function statOf(node: Node): FileStat {
  const size = node.kind === 'file' ? node.size : node.kind === 'link' ? node.target.length : 0;
  return {
    size,
    allocatedBytes: node.kind === 'file' ? pagesOf(node) * PAGE : 0,
    kind: node.kind,
    modifiedMs: node.kind === 'file' ? node.modifiedMs : 0,
  };
}

export function* linksBelow(path: string, directory: Directory): Generator<[string, string]> {
  for (const [name, node] of directory.names) {
    if (node.kind === 'link') yield [`${path}/${name}`, node.target];
    if (node.kind === 'directory') yield* linksBelow(`${path}/${name}`, node);
  }
}

export function describe(path: string, directory: Directory): readonly string[] {
  return [...directory.names.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, node]) => {
      if (node.kind === 'directory') return [`${path}${name}/`, ...describe(`${path}${name}/`, node)];
      return [node.kind === 'file' ? `${path}${name} (${node.size})` : `${path}${name} -> ${node.target}`];
    });
}
