import { appendFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { registerCompress } from '../../../cli/commands/compress.ts';
import { blobDigest, PART_SIZE, partHash } from '../../../lib/shared/digest.ts';
import { weights } from '../../support/weights.ts';
import { useCommands } from '../../support/commands.ts';

const { at, records: strata, told } = useCommands(registerCompress);

async function model(): Promise<{ readonly path: string; readonly bytes: Uint8Array }> {
  const path = at('model.bin');
  const bytes = weights('BF16', 400_000, 1);
  await writeFile(path, bytes);
  return { path, bytes };
}

describe('strata compress', () => {
  it('writes a smaller file that decompress turns back into the same one, under the digest that the plane knows', async () => {
    const { path, bytes } = await model();
    const [packed] = await strata('compress', path);
    const digest = blobDigest(bytes.length, PART_SIZE, [partHash(bytes)]);
    expect(packed).toMatchObject({ schema: 'strata.packed/v1', path: `${path}.stz`, size: 800_000, digest });
    expect(packed?.['ratio']).toBeLessThan(0.69);
    expect((await readFile(`${path}.stz`)).length).toBe(packed?.['packedSize']);
    await rm(path);
    const [unpacked] = await strata('decompress', `${path}.stz`);
    expect(unpacked).toMatchObject({ schema: 'strata.unpacked/v1', path, size: 800_000, digest });
    const progress = JSON.parse(told().trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(progress).toMatchObject({ percentDone: 100, bytesDone: packed?.['packedSize'] });
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect((await readdir(at('.'))).sort()).toEqual(['model.bin', 'model.bin.stz']);
  });

  it('replaces nothing without --force', async () => {
    const { path, bytes } = await model();
    await writeFile(`${path}.stz`, 'mine');
    await expect(strata('compress', path)).rejects.toMatchObject({ code: 'exists' });
    expect(await readFile(`${path}.stz`, 'utf8')).toBe('mine');
    await strata('compress', path, '--force');
    await expect(strata('decompress', `${path}.stz`)).rejects.toMatchObject({ code: 'exists' });
    await expect(strata('decompress', `${path}.stz`, at('.'), '--force')).rejects.toMatchObject({ code: 'exists' });
    await writeFile(path, 'old');
    await strata('decompress', `${path}.stz`, '--force');
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it('leaves nothing behind of a damaged file, or of one that is none', async () => {
    const { path } = await model();
    await strata('compress', path);
    const file = await readFile(`${path}.stz`);
    file[300_000] = (file[300_000] ?? 0) ^ 1;
    await writeFile(`${path}.stz`, file);
    await expect(strata('decompress', `${path}.stz`, at('out'))).rejects.toMatchObject({
      code: 'packed-corrupt',
    });
    await expect(strata('decompress', path, at('out'))).rejects.toMatchObject({ code: 'not-packed' });
    await expect(strata('decompress', path)).rejects.toMatchObject({ code: 'bad-file-name' });
    await expect(strata('compress', at('none'))).rejects.toMatchObject({ code: 'unreadable-file' });
    expect((await readdir(at('.'))).sort()).toEqual(['model.bin', 'model.bin.stz']);
  });

  it('keeps nothing of a file that changes while it is read', async () => {
    const { path } = await model();
    // The last record of its progress comes when all is read.
    vi.spyOn(process.stderr, 'write').mockImplementation(() => {
      appendFileSync(path, 'more');
      return true;
    });
    await expect(strata('compress', path)).rejects.toMatchObject({ code: 'file-changed' });
    expect(await readdir(at('.'))).toEqual(['model.bin']);
  });

  it('says in a dry run what it would save, by the rules and in dollars, and writes nothing', async () => {
    const { path } = await model();
    const [rules, cold] = await strata('compress', path, '--dry-run', '--reads', '0', '--months', '1200000');
    expect(rules).toMatchObject({ by: 'rules', action: 'keep', reason: 'small' });
    expect(cold).toMatchObject({ by: 'dollars', action: 'compress', reason: 'pays', usd: { waiting: 0 } });
    expect(cold?.['ratio']).toBeLessThan(0.69);
    const [, hot] = await strata('compress', path, '--dry-run', '--reads', '1000000', '--fetch-speed', '100000');
    expect(hot).toMatchObject({ action: 'keep', reason: 'costs-more' });
    await expect(strata('compress', path, '--dry-run', '--class', 'NONE')).rejects.toMatchObject({
      code: 'unknown-price',
    });
    expect(await readdir(at('.'))).toEqual(['model.bin']);
  });
});
