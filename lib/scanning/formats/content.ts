import type { Claim } from '../detect.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import type { RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { findTemplateEscape } from './chatTemplate.ts';
import { compressionOf, judgeCompressed } from './compressed.ts';
import { readGguf } from './gguf.ts';
import { judgeHdf5 } from './hdf5.ts';
import { judgeMetadata } from './metadataRules.ts';
import { judgeNpy } from './npy.ts';
import { judgeOnnx } from './onnx.ts';
import { judgePickles } from './pickleFile.ts';
import { readSafetensors } from './safetensors.ts';
import { judgeTar } from './tar.ts';
import { judgePlain } from './plain.ts';
import { judgeZip } from './zipArchive.ts';

/** Hands content to the reader of the format that it claims, and collects the facts of model files. */
export async function judgeContent(
  reader: RangedReader,
  claim: Claim,
  head: Uint8Array,
  inspection: Inspection,
): Promise<Format> {
  switch (claim) {
    case 'safetensors': {
      const { tensors, metadata } = await readSafetensors(reader);
      collect(inspection, tensors, metadata);
      return claim;
    }
    case 'gguf': {
      const { tensors, metadata, templates } = await readGguf(reader);
      const described = new Map([...metadata].filter(([key]) => !templates.has(key)));
      collect(inspection, tensors, described);
      for (const [key, template] of templates) {
        const escape = findTemplateEscape(template);
        if (escape !== undefined) inspection.report('template.escape', `${key} ${escape}`);
      }
      return claim;
    }
    case 'npy':
      await judgeNpy(reader, inspection);
      return claim;
    case 'hdf5':
      return judgeHdf5(reader, inspection);
    case 'onnx':
      await judgeOnnx(reader, inspection);
      return claim;
    case 'pickle':
      return judgePickles(reader, inspection, { persistentIds: 'none' });
    case 'zip':
      return judgeZip(reader, inspection);
    case 'tar':
      return judgeTar(reader, inspection);
    case 'compressed':
      return judgeCompressed(reader, compressionOf(head) ?? 'zlib', inspection);
    case 'archive':
      throw new RefusedError('file.unsupported', 'an archive or a compression that no loader of models reads', 0);
    case 'executable':
      throw new RefusedError('file.executable', 'machine code or byte code', 0);
    case 'other':
      break;
  }
  return judgePlain(reader, head, inspection);
}

function collect(
  inspection: Inspection,
  tensors: Awaited<ReturnType<typeof readSafetensors>>['tensors'],
  metadata: ReadonlyMap<string, string>,
): void {
  const { facts } = inspection;
  for (const tensor of tensors) facts.tensors.push(tensor);
  judgeMetadata(metadata, inspection);
  for (const [key, value] of metadata) facts.metadata.set(key, value);
}
