import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BUILT, isTrusted, MANIFEST, ROOT } from './built.js';

/*
 * Builds the programs, all in one folder that is named by what it was made of and comes there whole; then the manifest names it (built.js). They are the tree's own
 * code, unchanged but for where threads and child processes find their files. The SDK stays outside: most starts need none of it, and it is one file a client already.
 */

/** What is started, as a process or a thread: its name in the build, and its module. */
const PROGRAMS = new Map([
  ['cli', 'cli/main.ts'],
  ['agent', 'agent/main.ts'],
  ['runtime', 'runtime/main.ts'],
  ['recompute', 'runtime/start/recompute.ts'],
  ['rangeThread', 'lib/adapters/transfer/worker/main.ts'],
  ['hashThread', 'lib/adapters/aws/hashWorker.ts'],
]);
const NAME_OF = new Map([...PROGRAMS].map(([name, module]) => [module, name]));

const PACKAGES = 'node_modules/';
/** What shows in no module of the tree: how it is built, and npm's record of the packages that are built in. */
const ALSO = ['programs/build.ts', `${PACKAGES}.package-lock.json`];

/** Those that were in force before stay for processes that were started from them and start threads later. */
const KEPT_BUILDS = 3;
const KEPT_MS = 3_600_000;

const inputs = new Map<string, string>();

/** The hash is of what is built in, whatever becomes of the file meanwhile. */
async function readInput(path: string): Promise<Buffer> {
  const content = await readFile(join(ROOT, path));
  inputs.set(path, createHash('sha256').update(content).digest('base64'));
  return content;
}

const tree: Plugin = {
  name: 'tree',
  setup(building) {
    building.onResolve({ filter: /^program:/ }, ({ path }) => ({ path: path.slice(8), namespace: 'program' }));
    // Before its modules are compiled, so that traces name their lines; the maps are read once a trace is asked for.
    building.onLoad({ filter: /./, namespace: 'program' }, ({ path }) => ({
      contents: `import { setSourceMapsSupport } from 'node:module';
setSourceMapsSupport(true);
await import('./${path}');
`,
      resolveDir: ROOT,
    }));
    building.onLoad({ filter: /\.(ts|json)$/ }, async ({ path }) => {
      const input = relative(ROOT, path);
      if (input.startsWith(PACKAGES)) return undefined;
      const content = await readInput(input);
      if (extname(path) === '.json') return { contents: content, loader: 'json' };
      return { contents: withBuiltSiblings(content.toString(), dirname(path)), loader: 'ts' };
    });
  },
};

/**
 * What a module starts beside itself lies in the build's folder, as whatever starts it does. An agent or a runtime that stays up for long starts
 * threads also when its build is gone, then of the tree; agents begin as everybody's do.
 */
function withBuiltSiblings(text: string, folder: string): string {
  return text.replaceAll(/new URL\('([^']+)', import\.meta\.url\)/g, (_, beside: string) => {
    const module = relative(ROOT, resolve(folder, beside));
    const name = NAME_OF.get(module);
    if (name === undefined) throw new Error(`${beside} is started by a program and is none that is built.`);
    if (name === 'agent') return ofTree('agent/bin.js');
    const built = besideIt(`./${name}.js`);
    return `(process.getBuiltinModule('node:fs').existsSync(${built}) ? ${built} : ${ofTree(module)})`;
  });
}

const ofTree = (path: string) => besideIt(relative(join(BUILT, 'build'), join(ROOT, path)));
const besideIt = (path: string) => `new URL('${path}', import.meta.url)`;

async function bundle() {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries([...PROGRAMS].map(([name, module]) => [name, `program:${module}`])),
    outdir: BUILT,
    write: false,
    bundle: true,
    // A command loads what it is made of, and what programs share is there once.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['@aws-sdk/*'],
    // Of packages that are CommonJS.
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    sourcemap: 'linked',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [tree],
  });
  return outputFiles;
}

/** `written` becomes `folder`, unless another has made the same meanwhile. */
async function publish(written: string, folder: string): Promise<void> {
  const manifest = join(written, 'manifest.json');
  const own = `${MANIFEST}.${basename(written)}`;
  await rename(manifest, own);
  if (existsSync(folder) && !isTrusted(folder, (await stat(ROOT)).uid)) await rename(folder, `${written}-replaced`);
  try {
    await rename(written, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
  await rename(own, MANIFEST);
}

async function removeOld(current: string): Promise<void> {
  const names = (await readdir(BUILT)).filter((name) => name !== current && name !== basename(MANIFEST));
  const all = await Promise.all(
    names.map(async (name) => ({ path: join(BUILT, name), at: (await stat(join(BUILT, name))).mtimeMs })),
  );
  const old = all.sort((one, other) => other.at - one.at).slice(KEPT_BUILDS - 1);
  for (const { path, at } of old) if (at < Date.now() - KEPT_MS) await rm(path, { recursive: true, force: true });
}

// Others start what its owner builds, whatever files of his usually are.
process.umask(0o022);
await mkdir(BUILT, { recursive: true, mode: 0o755 });
const written = await mkdtemp(join(BUILT, 'new-'));
try {
  for (const path of ALSO) await readInput(path);
  const files = await bundle();
  const made = [...inputs].sort(([one], [other]) => (one < other ? -1 : 1));
  const folder = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16);
  const texts = new Map(files.map(({ path, contents }) => [basename(path), contents]));
  texts.set('package.json', Buffer.from('{"type":"module"}\n'));
  texts.set('manifest.json', Buffer.from(JSON.stringify({ folder, inputs: made })));
  // On the disk before they are named: a power cut leaves a build whole or none.
  await Promise.all(
    [...texts].map(([name, text]) => writeFile(join(written, name), text, { mode: 0o644, flush: true })),
  );
  await chmod(written, 0o755);
  await publish(written, join(BUILT, folder));
  await removeOld(folder);
} finally {
  await rm(written, { recursive: true, force: true });
}
