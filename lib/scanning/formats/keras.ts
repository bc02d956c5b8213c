import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import type { RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { judgeKerasText } from './kerasConfig.ts';
import { openMember } from './zip.ts';
import type { ZipEntry } from './zipDirectory.ts';

const MAX_CONFIG = 64 * 1024 * 1024;

/** Whether a zip is a Keras 3 model: its architecture and its weights at the top. */
export function looksLikeKeras(files: readonly ZipEntry[]): boolean {
  const names = new Set(files.map(({ name }) => name));
  return (
    names.has('config.json') &&
    (names.has('metadata.json') || files.some(({ name }) => name.startsWith('model.weights')))
  );
}

/** Judges a `.keras` archive: the architecture by its names, every other member by its content. */
export async function judgeKerasArchive(
  reader: RangedReader,
  files: readonly ZipEntry[],
  inspection: Inspection,
): Promise<Format> {
  for (const file of files) {
    await inspection.guard(async () => {
      const member = await openMember(reader, file);
      if (file.name !== 'config.json') {
        await inspection.inspectInside(file.name, member);
        return;
      }
      if (member.size > MAX_CONFIG) throw new RefusedError('file.too-large', `${file.name} has ${member.size} bytes`);
      const child = inspection.child(file.name);
      const config = await member.read(0, member.size);
      await child.guard(async () => judgeKerasText(config, child), undefined);
    }, undefined);
  }
  return 'keras';
}
