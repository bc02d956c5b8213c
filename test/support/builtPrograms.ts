import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/*
 * Programs that tests start by the dozen, each as one file: two thirds of the CPU that the agent takes from TypeScript until it begins go into finding and
 * linking its 630 modules. Vitest makes them anew before each run of a project that starts them. They are the tree's own code, unchanged but for where
 * threads and child processes find their files. As users start them, from TypeScript, are the agents of the end-to-end paths and those on a
 * full disk, `npm start`, and a runtime that brings the samples to their end.
 */
const ROOT = join(import.meta.dirname, '../..');
/** Always the same, so that what was compiled of them is found again. */
const BUILT = join(ROOT, 'node_modules/.cache/built');

const PROGRAMS = [
  'agent/main.ts',
  'runtime/main.ts',
  'runtime/start/recompute.ts',
  'lib/adapters/transfer/worker/main.ts',
] as const;

export type Program = (typeof PROGRAMS)[number];

export function builtProgram(program: Program): string {
  return join(BUILT, program.replace(/\.ts$/, '.js'));
}

/** Vitest's `globalSetup`. */
export default async function buildPrograms(): Promise<void> {
  // Who only starts them does without it.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [...PROGRAMS],
    outbase: ROOT,
    outdir: BUILT,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Of packages that are CommonJS.
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [siblings],
  });
  await replace(join(BUILT, 'package.json'), '{"type":"module"}\n');
  for (const { path, text } of outputFiles) await replace(path, text);
}

/** In one step, and only where it is another: projects that run at once build the same, and one may start it meanwhile. */
async function replace(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  await writeFile(own, text);
  await rename(own, path);
}

/** What a module finds beside itself lies where it lies in the tree, seen from a program, one folder deep. */
const siblings: Plugin = {
  name: 'siblings',
  setup(building) {
    // The SDK, which no start needs, stays in the tree; all of the agent stands behind its first lines.
    building.onResolve({ filter: /\.ts$/ }, ({ kind, path, importer, resolveDir }) =>
      kind === 'dynamic-import' && relative(ROOT, importer) !== 'agent/main.ts'
        ? { path: resolve(resolveDir, path), external: true }
        : undefined,
    );
    building.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replaceAll(/new URL\('([^']+)\.ts', import\.meta\.url\)/g, (_, beside: string) => {
        const found = relative(ROOT, resolve(dirname(path), beside));
        return `new URL('../${found}.js', import.meta.url)`;
      });
      return { contents, loader: 'ts' };
    });
  },
};
