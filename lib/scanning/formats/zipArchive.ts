import type { Inspection } from '../inspection.ts';
import type { RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { judgeKerasArchive, looksLikeKeras } from './keras.ts';
import { judgeNpyMember } from './npy.ts';
import { judgeTorchZip, looksLikeTorchZip } from './torchZip.ts';
import { openMember, readZip } from './zip.ts';
import type { ZipEntry } from './zipDirectory.ts';

/** Judges a zip by what its members say it is; a plain one by judging every member. */
export async function judgeZip(reader: RangedReader, inspection: Inspection): Promise<Format> {
  const entries = await readZip(reader, inspection);
  const files = entries.filter(({ isDirectory }) => !isDirectory);
  if (looksLikeTorchZip(files)) return judgeTorchZip(reader, files, inspection);
  if (looksLikeKeras(files)) return judgeKerasArchive(reader, files, inspection);
  if (files.length > 0 && files.every(({ name }) => name.endsWith('.npy'))) {
    for (const file of files) await judgeMember(reader, file, inspection, judgeNpyMember);
    return 'npz';
  }
  for (const file of files) await judgeMember(reader, file, inspection);
  return 'zip';
}

async function judgeMember(
  reader: RangedReader,
  entry: ZipEntry,
  inspection: Inspection,
  judge?: (name: string, reader: RangedReader, inspection: Inspection) => Promise<void>,
): Promise<void> {
  await inspection.guard(async () => {
    const member = await openMember(reader, entry);
    if (judge === undefined) await inspection.inspectInside(entry.name, member);
    else await judge(entry.name, member, inspection);
  }, undefined);
}
