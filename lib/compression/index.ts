export {
  COMPRESSION_RULE,
  type CompressionDecision,
  decideCompressionByDollars,
  decideCompressionByRule,
} from './decideCompression.ts';
export { type PackingFacts, packRefusal, type PackRefusal } from './decidePacking.ts';
export { CompressionError } from './errors.ts';
export { measureCompressibility } from './measureCompressibility.ts';
export { measureSpeed } from './measureSpeed.ts';
export { GEOMETRY, pack, type Packed, type Write } from './pack.ts';
export { PACK_BYTES_PER_SECOND, UNPACK_BYTES_PER_SECOND, unpackingMs } from './packingTime.ts';
export { packPart } from './packPart.ts';
export { type PackedIndex, writeHeader, writeTail } from './layout.ts';
export { type PackedReader, readPackedIndex, unpack, unpackPart } from './unpack.ts';
export { createUnpackedReader, type UnpackedReader } from './unpackedReader.ts';
