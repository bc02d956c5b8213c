export { combineCrc32c } from './combine.ts';
export { type Crc32c, crc32cHex, createCrc32c, RESERVED_BYTES } from './crc32c.ts';
