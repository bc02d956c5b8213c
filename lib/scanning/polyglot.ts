import type { Claim } from './detect.ts';
import { looksLikeTar } from './formats/tar.ts';
import { endsLikeZip } from './formats/zipDirectory.ts';
import type { Inspection } from './inspection.ts';
import { explorePickle } from './pickle/explore.ts';
import type { RangedReader } from './rangedReader.ts';

const TAIL = 64 * 1024 + 22;
const TAR_HEADER = 512;

/**
 * Looks for a second meaning of bytes that claim one: loaders choose a format by their own marks (torch looks for a zip
 * or a tar before a pickle, `pickle.load` for none), and the harmless format that a scanner saw need not be it.
 */
export async function findSecondFormat(
  reader: RangedReader,
  claim: Claim,
  head: Uint8Array,
  inspection: Inspection,
): Promise<void> {
  if (claim !== 'tar' && looksLikeTar(head.subarray(0, TAR_HEADER))) {
    inspection.report('polyglot.second-format', 'the file is a tar archive as well', 0);
  }
  // The members of a plain archive, and the last member of any, may be zips themselves.
  if (claim !== 'zip' && claim !== 'tar' && claim !== 'archive') {
    const tailBytes = Math.min(TAIL, reader.size);
    const tail = tailBytes <= head.length ? head.subarray(head.length - tailBytes) : undefined;
    const bytes =
      tail !== undefined && reader.size === head.length ? tail : await reader.read(reader.size - tailBytes, tailBytes);
    if (endsLikeZip(bytes, reader.size)) {
      inspection.report('polyglot.second-format', 'a zip archive ends the file, and zip readers would open it');
    }
  }
  if (claim === 'pickle' || claim === 'zip') return;
  const { findings, harmful, complete } = await explorePickle(reader);
  if (harmful || (complete && findings.length > 0)) {
    inspection.report('polyglot.second-format', `loaded as a pickle, the file ${findings[0] ?? 'runs'}`, 0);
  }
}
