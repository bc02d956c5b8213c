import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAgain, openAnew, openNew, writeAnew } from '../../../lib/adapters/files/stagingFile.ts';

let folder = '';
let [staging, mine] = ['', ''];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-staging-'));
  [staging, mine] = [join(folder, 'a.part'), join(folder, 'mine')];
  writeFileSync(mine, 'mine');
});
afterEach(() => {
  expect(readFileSync(mine, 'utf8')).toBe('mine');
  rmSync(folder, { recursive: true });
});

const WAYS = [
  ['a link', () => symlinkSync(mine, staging)],
  ['a link to nothing', () => symlinkSync(join(folder, 'nothing'), staging)],
  ['another name of a file', () => linkSync(mine, staging)],
] as const;

describe.each(WAYS)('where %s lies at the name of a staging file', (_what, lay) => {
  it('none is opened as new, also where it came after the removal of another', async () => {
    lay();
    await expect(openNew(staging, 0o600)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('a new one takes its place', async () => {
    lay();
    const file = await openAnew(staging, 0o600);
    await file.writeFile('staged');
    await file.close();
    expect(readFileSync(staging, 'utf8')).toBe('staged');
    rmSync(staging);
    lay();
    await writeAnew(staging, 'small', 0o600);
    expect(readFileSync(staging, 'utf8')).toBe('small');
  });

  it('it is not gone on with', async () => {
    lay();
    await expect(openAgain(staging)).rejects.toMatchObject({ code: expect.stringMatching(/^(ELOOP|EEXIST)$/) });
  });
});

it('what was staged before is gone on with', async () => {
  writeFileSync(staging, 'before');
  const file = await openAgain(staging);
  await file.write('B', 0);
  await file.close();
  expect(readFileSync(staging, 'utf8')).toBe('Before');
});
