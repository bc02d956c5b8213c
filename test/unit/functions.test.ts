import { existsSync, globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../functions/index.ts';

const names = FUNCTIONS.map(({ name }) => name);

describe('functions/', () => {
  it('declares each of its folders in index.ts under the name of the folder', () => {
    const folders = globSync('functions/*/function.ts').map((path) => basename(dirname(path)));
    expect(folders.toSorted()).toEqual(names.toSorted());
  });

  it.each(names)('has a handler and an entry on Lambda for %s', (name) => {
    expect(existsSync(`functions/${name}/handler.ts`)).toBe(true);
    expect(existsSync(`functions/${name}/main.ts`)).toBe(true);
  });
});
