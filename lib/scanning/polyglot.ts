import type { Claim } from './detect.ts';
import { looksLikeHdf5 } from './formats/hdf5.ts';
import { looksLikeTar } from './formats/tar.ts';
import { endsLikeZip } from './formats/zipDirectory.ts';
import type { Inspection } from './inspection.ts';
import { explorePickle } from './pickle/explore.ts';
import type { RangedReader } from './rangedReader.ts';

const TAIL = 64 * 1024 + 22;
const TAR_HEADER = 512;
/** HDF5 may begin at 512 bytes and every doubling of them. In a larger file only the head is looked at: requests are bounded. */
const FIRST_USER_BLOCK = 512;
const MAX_USER_BLOCKS = 1024 ** 3;
const HDF5_MARK = 8;

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
  if (claim !== 'hdf5') await findHdf5(reader, claim, head, inspection);
  if (claim === 'pickle' || claim === 'zip') return;
  const { findings, harmful, complete, exhausted } = await explorePickle(reader);
  if (harmful || (complete && findings.length > 0)) {
    inspection.report('polyglot.second-format', `loaded as a pickle, the file ${findings[0] ?? 'runs'}`, 0);
  } else if (exhausted && claim !== 'other') {
    inspection.report('polyglot.second-format', 'the file is a long pickle as well', 0);
  }
}

/** Keras opens what is HDF5 behind a user block of any content. */
async function findHdf5(reader: RangedReader, claim: Claim, head: Uint8Array, inspection: Inspection): Promise<void> {
  const end = reader.size > MAX_USER_BLOCKS ? head.length : reader.size;
  const places: number[] = [];
  for (let at = FIRST_USER_BLOCK; at + HDF5_MARK <= end; at *= 2) places.push(at);
  const marks = await Promise.all(places.map((at) => readMark(reader, at, head)));
  const at = places.find((place, index) => {
    // A member of a tar is judged as what it is.
    const isMember = claim === 'tar' && looksLikeTar(head.subarray(place - TAR_HEADER, place));
    return looksLikeHdf5(marks[index] ?? new Uint8Array(0)) && !isMember;
  });
  if (at !== undefined) inspection.report('polyglot.second-format', 'the file is HDF5 behind a user block as well', at);
}

async function readMark(reader: RangedReader, at: number, head: Uint8Array): Promise<Uint8Array> {
  return at + HDF5_MARK <= head.length ? head.subarray(at, at + HDF5_MARK) : reader.read(at, HDF5_MARK);
}
