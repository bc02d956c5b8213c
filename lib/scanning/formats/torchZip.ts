import { formatCount } from '../../shared/formatCount.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { explorePickle } from '../pickle/explore.ts';
import { beginsLikePickle } from '../pickle/opcodes.ts';
import { createSliceReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { judgeTorchPickle } from './pickleFile.ts';
import { judgeMobileCode, judgeTorchScriptCode } from './torchScript.ts';
import { openMember } from './zip.ts';
import type { ZipEntry } from './zipDirectory.ts';

/** Records that are plain numbers or flags, written by torch itself. */
const SMALL_RECORDS =
  /^(?:archive_format|archive_version|\.data\/version|version|byteorder|\.format_version|\.storage_alignment|\.data\/serialization_id)$/;
const RAW_RECORD = /^(?:data|constants|tensors)\/[0-9]+$/;
/** Of torch.export: raw numbers, or what `torch.save` writes, by its content. */
const EXPORTED_RECORD = /^data\/(?:weights\/weight|constants\/tensor)_[0-9]+$/;
const MAX_SMALL_RECORD = 4_096;

/** Whether the folder of the first record holds what torch's reader asks for; the members of other zips are what their content says. */
export function looksLikeTorchZip(files: readonly ZipEntry[]): boolean {
  const folder = files[0]?.name.split('/')[0] ?? '';
  const names = new Set(files.map(({ name }) => name));
  const has = (record: string) => names.has(`${folder}/${record}`);
  const alone = files.every(({ name }) => name.startsWith(`${folder}/`));
  return (has('data.pkl') && (alone || has('version'))) || has('constants.pkl') || has('archive_format');
}

/**
 * Judges what `torch.save` or `torch.jit.save` writes: records under one folder, of which `data.pkl` and `constants.pkl`
 * are pickles and `data/N` raw storages. Torch takes the folder from the first record, so there may be only one.
 */
export async function judgeTorchZip(
  reader: RangedReader,
  files: readonly ZipEntry[],
  inspection: Inspection,
): Promise<Format> {
  const folder = files[0]?.name.split('/')[0] ?? '';
  const outside = files.find(({ name }) => !name.startsWith(`${folder}/`));
  if (outside !== undefined)
    throw new RefusedError('zip.ambiguous', `${outside.name} lies outside of the folder ${folder}`);
  const records = new Map(files.map((file) => [file.name.slice(folder.length + 1), file]));
  const torchScript = records.has('constants.pkl');
  for (const [name, file] of records) {
    await inspection.guard(() => judgeRecord(reader, name, file, { records, torchScript, inspection }), undefined);
  }
  return torchScript ? 'torchscript' : 'torch-zip';
}

interface Archive {
  readonly records: ReadonlyMap<string, ZipEntry>;
  readonly torchScript: boolean;
  readonly inspection: Inspection;
}

async function judgeRecord(reader: RangedReader, name: string, file: ZipEntry, archive: Archive): Promise<void> {
  const { inspection, torchScript } = archive;
  if (name.startsWith('data/aotinductor/')) {
    inspection.report('torch.export', `${name} is compiled, and loaded as machine code`);
    return;
  }
  if (RAW_RECORD.test(name)) {
    await judgeStorage(reader, name, file, inspection);
    return;
  }
  const member = await openMember(reader, file);
  if (name === 'bytecode.pkl') await judgeMobileCode(name, member, inspection);
  if (name.endsWith('.pkl')) {
    const child = inspection.child(name);
    const storages = await child.guard(
      () => judgeTorchPickle(member, child, { persistentIds: 'torch', torchScript }),
      new Map<string, number>(),
    );
    if (!torchScript) checkStorages(storages, archive);
  } else if (torchScript && name.startsWith('code/')) {
    await judgeTorchScriptCode(name, member, inspection);
  } else if (EXPORTED_RECORD.test(name) && !(await looksLikeZipRecord(member))) {
    await judgeStorage(reader, name, file, inspection);
  } else if (SMALL_RECORDS.test(name)) {
    if (member.size > MAX_SMALL_RECORD)
      inspection.report('torch.record', `${name} has ${formatCount(member.size, 'byte')}`);
  } else {
    await inspection.inspectInside(name, member);
  }
}

/** A storage that is shorter than the pickle claims makes readers take memory that is not theirs (CVE-2026-24747). */
function checkStorages(storages: ReadonlyMap<string, number>, { records, inspection }: Archive): void {
  for (const [key, bytes] of storages) {
    const record = records.get(`data/${key}`);
    if (record === undefined) inspection.report('torch.record', `storage ${key} is missing`);
    else if (record.bytes !== bytes)
      inspection.report('torch.record', `storage ${key} has ${formatCount(record.bytes, 'byte')}, not ${bytes}`);
  }
}

async function looksLikeZipRecord(member: RangedReader): Promise<boolean> {
  const head = await member.read(0, Math.min(4, member.size));
  return Buffer.from(head).toString('latin1').startsWith('PK');
}

/** Raw numbers, but for a pickle that hides behind such a name. */
async function judgeStorage(reader: RangedReader, name: string, file: ZipEntry, inspection: Inspection): Promise<void> {
  if (file.method === 'stored' && !beginsLikePickle(file.head)) return;
  const window =
    file.method === 'stored' ? createSliceReader(reader, file.dataOffset, file.bytes) : await openMember(reader, file);
  if (window.size === 0) return;
  const { findings, harmful } = await explorePickle(window);
  if (harmful) inspection.report('pickle.nested', `${name} is a pickle that ${findings[0] ?? 'calls'}`);
}
