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
export { pack, type Packed, type Write } from './pack.ts';
export { readPackedIndex, unpack, unpackPart } from './unpack.ts';
