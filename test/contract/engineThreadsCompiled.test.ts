import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'strata-compiled-'));
const engine = new URL('../../lib/adapters/transfer/engine.ts', import.meta.url).href;
const script = join(folder, 'prepare.mjs');
writeFileSync(
  script,
  `import { createTransferEngine } from '${engine}';
const engine = createTransferEngine({ workers: { plain: 2, tls: 2 } });
engine.prepare();
await engine.close();
`,
);

afterAll(() => rmSync(folder, { recursive: true }));

describe('the threads of an engine', () => {
  it('find their code compiled on the first start already, so that none of them reads TypeScript', () => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled'), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const { status, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
    expect(status).toBe(0);
    const compiled = stderr.split('\n').filter((line) => line.includes('saving transpilation cache'));
    for (const file of ['worker/main.ts', 'worker/rangeReader.ts', 'http/connection.ts']) {
      expect(compiled.filter((line) => line.includes(`transfer/${file}`))).toHaveLength(1);
    }
  });
});
