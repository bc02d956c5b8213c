import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const DOCUMENT = readFileSync('docs/catalog.md', 'utf8');
const ROWS = globSync('lib/catalog/rows/*.ts').map((path) => readFileSync(path, 'utf8'));

/** The first cells of a section's table, by column. */
function columns(section: string, ...indexes: readonly number[]): readonly (readonly string[])[] {
  const text = DOCUMENT.split(`## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  return lines.slice(1).map((line) => {
    const cells = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));
    return indexes.map((index) => cells[index] ?? '');
  });
}

/** `BLOB#{digest}` of the document and `BLOB#${value.digest}` of the code become the same. */
const shape = (text: string) => text.replaceAll('`', '').replace(/\$?\{(?:[^{}]|\{[^{}]*\})*\}/g, '…');

const partitionsInCode = new Set(
  ROWS.flatMap((source) =>
    [...source.matchAll(/partition: (?:`([^`]+)`|'([^']+)')/g)].map((match) => shape(match[1] ?? match[2] ?? '')),
  ),
);

describe('the document of the catalog', () => {
  it('names every row, and none that is not there', () => {
    const names = ROWS.flatMap((source) =>
      [...source.matchAll(/defineRow\(\{\n\s+name: '([^']+)'/g)].map((match) => match[1]),
    );
    expect(names.length).toBeGreaterThan(15);
    expect(new Set(columns('Keys', 0).flat())).toEqual(new Set(names));
  });

  it('names every partition of the table and of the indexes, and none that is not there', () => {
    const documented = [...columns('Keys', 1), ...columns('Indexes', 2)].flat().map(shape);
    expect(new Set(documented)).toEqual(partitionsInCode);
  });

  it('names every file that queries, and only partitions that there are', () => {
    const files = globSync('lib/**/*.ts').filter(
      (path) =>
        !/^lib\/(adapters|shared)\/|rowType\.ts$/.test(path) &&
        /queryIndex\(|\.query\(|queryAll\(/.test(readFileSync(path, 'utf8')),
    );
    expect(
      new Set(
        columns('Queries', 0)
          .flat()
          .map((cell) => cell.replaceAll('`', '')),
      ),
    ).toEqual(new Set(files));
    const queried = columns('Queries', 2).flatMap(([cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map((match) => shape(match[1] ?? '')),
    );
    for (const partition of queried) expect(partitionsInCode).toContain(partition);
  });
});
