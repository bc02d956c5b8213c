import { join } from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/**
 * Bundles each function's `main.ts` with everything it needs, the SDK too, into `<folder>/<name>/index.js`. An operator's price book, as JSON,
 * becomes a variable of the environment there: Lambda's own hold no more than 4 KB.
 */
export function bundleFunctions(names: readonly string[], folder: string, priceBook: string = ''): void {
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: names.map((name) => ({ in: join('functions', name, 'main.ts'), out: join(name, 'index') })),
    outdir: folder,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'warning',
    ...(priceBook === '' ? {} : { banner: { js: `process.env.STRATA_PRICE_BOOK=${JSON.stringify(priceBook)};` } }),
  });
}
