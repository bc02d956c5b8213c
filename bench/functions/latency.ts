import { mkdtempSync, rmSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPEN_POLICY } from '../../lib/scanning/index.ts';
import { HostId } from '../../lib/shared/ids.ts';
import { Bytes, formatBytes, GB, MIB } from '../../lib/shared/units.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { push } from '../../runtime/start/push.ts';
import { limitsOf } from '../../runtime/start/limits.ts';
import { begin } from '../../runtime/start/start.ts';

const SIZES = [1 * MIB, 64 * MIB, 256 * MIB];

/**
 * From the last byte of an upload to the verified copy on two hosts' disks, in the embedded runtime, beside what one plain
 * copy of the same file takes on the same disk. The upload is hashed once at the origin, copied, and read and hashed by each host.
 */
export async function uploadToCached(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-bench-latency-'));
  const signal = new AbortController().signal;
  const { lifecycleDeletes, lifecycleRules, tierRules } = TIER_SETTINGS;
  const starting = begin({
    data: undefined,
    port: 0,
    hosts: ['host-a', 'host-b'].map((name) => HostId.parse(name)),
    capacityBytes: Bytes.parse(4 * GB),
    scanPolicy: OPEN_POLICY,
    prices: { origin: undefined, book: undefined, region: 'us-east-1' },
    sweeps: { tierSweep: 'on', tierPacking: 'off', orphanSweep: 'on', uploadSweep: 'on' },
    limits: limitsOf({}),
    policies: { tierRules, lifecycleRules, lifecycleDeletes, tierPolicy: 'rules', placementPolicy: 'subscriptions' },
    signal,
    write: () => undefined,
  });
  const started = await starting.started;
  try {
    console.log('\nupload → cached on two hosts, embedded runtime');
    console.log('size            plain copy   upload   upload → cached');
    for (const size of SIZES) {
      const bytes = safetensors(size);
      const source = join(folder, 'source');
      await writeFile(source, bytes);
      const copyMs = await timed(() => copyFile(source, join(folder, 'copy')));
      const key = `uploads/bench-${size}/1.0.0/model.safetensors`;
      const uploadMs = await timed(() => push(started.runtime, key, [bytes], signal));
      const cachedMs = await timed(() => started.outcome(key));
      console.log(`${formatBytes(size).padEnd(12)} ${ms(copyMs)} ${ms(uploadMs)} ${ms(cachedMs)}`);
    }
  } finally {
    await started.stop();
    rmSync(folder, { recursive: true });
  }
}

/** One tensor of noise, so that nothing compresses and no two blobs are equal. */
function safetensors(size: number): Uint8Array {
  const header = JSON.stringify({ noise: { dtype: 'U8', shape: [size], data_offsets: [0, size] } });
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  const file = Buffer.alloc(8 + padded.length + size);
  file.writeBigUInt64LE(BigInt(padded.length), 0);
  file.write(padded, 8);
  randomFillSync(file, 8 + padded.length);
  return file;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(12);
