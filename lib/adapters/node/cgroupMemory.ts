import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface CgroupPaths {
  readonly self: string;
  readonly root: string;
}

const LINUX: CgroupPaths = { self: '/proc/self/cgroup', root: '/sys/fs/cgroup' };

export interface CgroupMemory {
  readonly limitBytes: number;
  readonly freeBytes: number;
  /** `freeBytes` and what the kernel would give back of the page cache. */
  readonly availableBytes: number;
}

/**
 * The tightest memory limit over this process: of its own cgroup (version 2) or of any above it, each of which holds for
 * everything below. Undefined where none is set, or where there is no memory controller.
 */
export async function cgroupMemory(paths: CgroupPaths = LINUX): Promise<CgroupMemory | undefined> {
  const own = (await textOf(paths.self)).match(/^0::(\/.*)$/m)?.[1];
  if (own === undefined) return undefined;
  let tightest: CgroupMemory | undefined;
  for (let group = own; ; group = dirname(group)) {
    const found = await limitOf(join(paths.root, group));
    if (found !== undefined) {
      tightest = {
        limitBytes: Math.min(found.limitBytes, tightest?.limitBytes ?? Number.POSITIVE_INFINITY),
        freeBytes: Math.min(found.freeBytes, tightest?.freeBytes ?? Number.POSITIVE_INFINITY),
        availableBytes: Math.min(found.availableBytes, tightest?.availableBytes ?? Number.POSITIVE_INFINITY),
      };
    }
    if (group === '/') return tightest;
  }
}

/** The root group has no such files, and `memory.max` reads `max` where nothing is set. */
async function limitOf(folder: string): Promise<CgroupMemory | undefined> {
  const limitBytes = Number.parseInt(await textOf(join(folder, 'memory.max')), 10);
  const current = Number.parseInt(await textOf(join(folder, 'memory.current')), 10);
  if (!Number.isFinite(limitBytes) || !Number.isFinite(current)) return undefined;
  const usage = await textOf(join(folder, 'memory.stat'));
  const cached = [...usage.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  const left = (used: number) => Math.min(limitBytes, Math.max(0, limitBytes - used));
  return { limitBytes, freeBytes: left(current), availableBytes: left(current - cached) };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
