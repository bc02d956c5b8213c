import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32cHex, createCrc32c, RESERVED_BYTES } from '../../lib/shared/crc32c/index.ts';
import { MIB } from '../../lib/shared/units.ts';

/* The object that is fetched and sent: random bytes, so that nothing on the way compresses them, known by their CRC-32C. */
const CHUNK = MIB;
const memory = new WebAssembly.Memory({ initial: (RESERVED_BYTES + CHUNK) / 65_536 });
const crc32c = createCrc32c(memory);
const chunk = new Uint8Array(memory.buffer, RESERVED_BYTES, CHUNK);

export function makeObject(path: string, bytes: number): string {
  const file = openSync(path, 'w');
  let checksum = 0;
  for (let left = bytes; left > 0; left -= CHUNK) {
    randomFillSync(chunk);
    const length = Math.min(CHUNK, left);
    checksum = crc32c.of(RESERVED_BYTES, length, checksum);
    writeSync(file, chunk, 0, length);
  }
  closeSync(file);
  return crc32cHex(checksum);
}

/** Undefined where the file cannot be read. */
export function checksumOf(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    let checksum = 0;
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      checksum = crc32c.of(RESERVED_BYTES, length, checksum);
    }
    closeSync(file);
    return crc32cHex(checksum);
  } catch {
    return undefined;
  }
}
