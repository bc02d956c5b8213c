import { CachingError } from '../../lib/caching/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { MIB, MINUTE_MS } from '../../lib/shared/units.ts';
import { createEvictionPolicy, type EvictionConfig, type EvictionPolicy } from './evictionPolicy.ts';
import type { StoreParts } from './parts.ts';
import { ACCESSES_PATH, FOLDERS } from './paths.ts';

/*
 * What the eviction policy has seen outlives a restart in `state/accesses.json`, replaced as a whole. It guides decisions and
 * proves nothing: a file that is missing, old or damaged only makes the policy start with less, or with nothing.
 */
const ASIDE_PATH = `${ACCESSES_PATH}.next`;
const READ_BYTES = MIB;
const SAVE_EVERY_MS = MINUTE_MS;

export async function openEvictionPolicy(
  deps: { readonly disk: Disk; readonly telemetry: Telemetry },
  config: EvictionConfig,
  capacityBytes: number,
): Promise<EvictionPolicy> {
  try {
    return createEvictionPolicy(config, capacityBytes, await readSaved(deps.disk));
  } catch (error) {
    const expected = error instanceof CachingError || error instanceof DiskError || error instanceof SyntaxError;
    if (!expected) throw error;
    deps.telemetry.warn('accesses-not-remembered', { error: errorText(error) });
    return createEvictionPolicy(config, capacityBytes);
  }
}

export interface AccessMemory {
  /** Not necessary: without it the next start knows less. */
  save(): Promise<void>;
  /** Saves what changed since the last time, once a minute. */
  saveWhenDue(): Promise<void>;
}

export function createAccessMemory({ disk, policy, time, telemetry }: StoreParts): AccessMemory {
  let saved = { asks: 0, at: time.elapsed() };

  async function save(): Promise<void> {
    const { asks } = policy;
    if (asks === saved.asks) return;
    try {
      await disk.remove(ASIDE_PATH);
      await disk.write(ASIDE_PATH, 0, Buffer.from(JSON.stringify(policy.log())));
      await disk.sync(ASIDE_PATH);
      await disk.rename(ASIDE_PATH, ACCESSES_PATH);
      await disk.syncDirectory(FOLDERS.state);
      saved = { asks, at: time.elapsed() };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      telemetry.warn('accesses-not-saved', { error: errorText(error) });
    }
  }

  return {
    save,
    async saveWhenDue() {
      if (time.elapsed() - saved.at >= SAVE_EVERY_MS) await save();
    },
  };
}

async function readSaved(disk: Disk): Promise<unknown> {
  const size = (await disk.stat(ACCESSES_PATH))?.size ?? 0;
  if (size === 0) return undefined;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < size; at += READ_BYTES) {
    pieces.push(await disk.read(ACCESSES_PATH, at, Math.min(READ_BYTES, size - at)));
  }
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}
