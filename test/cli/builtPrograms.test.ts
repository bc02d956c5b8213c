import { execFile, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { builtFolder, ROOT } from '../../programs/built.js';

/*
 * A tree with programs of a few lines: how a start finds, makes and trusts a build does not depend on what is built. That all of
 * Strata works from one is what every test that starts it shows.
 */
const MODULES: Readonly<Record<string, string>> = {
  'cli/main.ts': `import { Worker } from 'node:worker_threads';
import { VALUE } from './value.ts';
const asked: string | undefined = process.argv[2];
if (asked === 'late-thread') process.getBuiltinModule('node:fs').rmSync(import.meta.dirname, { recursive: true });
if (asked?.endsWith('thread')) {
  const thread = new Worker(new URL('../lib/adapters/transfer/worker/main.ts', import.meta.url));
  thread.once('message', (said) => console.log(said)).once('error', (error) => console.log(error.stack));
} else if (asked === 'fail') throw new TypeError('as asked');
else if (asked === 'later') console.log((await import('./later.ts')).LATER);
else console.log(VALUE, import.meta.url.includes('/.built/') ? 'built' : 'source');
`,
  'cli/value.ts': "export const VALUE: string = 'one';\n",
  'cli/later.ts': "export const LATER: string = 'later';\n",
  'agent/main.ts': '',
  'runtime/main.ts': '',
  'runtime/start/recompute.ts': '',
  'lib/adapters/transfer/worker/main.ts': `import { parentPort } from 'node:worker_threads';
parentPort?.postMessage(new Error('in a thread').stack);
`,
  'lib/adapters/aws/hashWorker.ts': '',
  'package.json': '{"type":"module"}',
  'node_modules/.package-lock.json': '{}',
};

let tree: string;
const built = () => join(tree, '.built');
const at = (path: string) => join(tree, path);
const builds = () => readdirSync(built()).filter((name) => !name.includes('manifest'));

function write(path: string, content: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'strata-tree-'));
  chmodSync(tree, 0o755);
  for (const [path, content] of Object.entries(MODULES)) write(path, content);
  for (const path of ['programs', 'cli/bin.js']) cpSync(join(ROOT, path), at(path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/esbuild'), at('node_modules/esbuild'));
});
afterEach(() => {
  chmodSync(tree, 0o755);
  rmSync(tree, { recursive: true });
});

/** What a start prints, also of an error. `behind`: the words of a command that changes who starts it. */
function start(args: readonly string[] = [], behind: readonly string[] = []): Promise<string> {
  const [program = '', ...words] = [...behind, process.execPath, at('cli/bin.js'), ...args];
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  return new Promise((resolve) => {
    execFile(program, words, { env, cwd: '/' }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

const root = process.getuid?.() === 0;
/** Root without what lets it write everywhere. */
const UNPRIVILEGED = root
  ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-dac_override,-dac_read_search']
  : [];
const STRANGER = ['setpriv', '--reuid=4711', '--clear-groups'];

describe('a start', () => {
  it('builds what was never built, and starts that from then on', async () => {
    expect(await start()).toBe('one built\n');
    const [build = ''] = builds();
    const { mtimeMs } = statSync(join(built(), build));
    expect(await start()).toBe('one built\n');
    expect(await start(['later'])).toBe('later\n');
    expect([builds(), statSync(join(built(), build)).mtimeMs]).toEqual([[build], mtimeMs]);
  });

  it('starts the tree as it is, however short ago and well hidden a change was', async () => {
    await start();
    const { atimeMs, mtimeMs } = statSync(at('cli/value.ts'));
    for (const value of ['two', 'six', 'ten']) {
      writeFileSync(at('cli/value.ts'), `export const VALUE: string = '${value}';\n`);
      utimesSync(at('cli/value.ts'), atimeMs / 1000, mtimeMs / 1000);
      expect(await start()).toBe(`${value} built\n`);
    }
    // What was looked at long enough after its last change is known by its times.
    await eventually(async () => {
      await start();
      expect(await start()).toBe('ten built\n');
      expect(Date.now()).toBeGreaterThan(statSync(at('cli/value.ts')).ctimeMs + 2_500);
    }, 30_000);
    writeFileSync(at('cli/value.ts'), "export const VALUE: string = 'old';\n");
    utimesSync(at('cli/value.ts'), atimeMs / 1000, mtimeMs / 1000);
    expect(await start()).toBe('old built\n');
  });

  it.each([
    ['a module is gone', () => rmSync(at('cli/later.ts')), 'one source\n'],
    ['there are other packages', () => write('node_modules/.package-lock.json', '{"packages":{}}'), 'one built\n'],
    ['it is built otherwise', () => appendFileSync(at('programs/build.ts'), '// otherwise\n'), 'one built\n'],
  ])('finds that %s', async (_, change, said) => {
    await start();
    const [build = ''] = builds();
    change();
    expect(await start()).toBe(said);
    expect(builds().length).toBe(said.includes('built') ? 2 : 1);
    expect(builds()).toContain(build);
  });

  it('builds nothing anew for files that were only touched', async () => {
    await start();
    const [build = ''] = builds();
    const { mtimeMs } = statSync(join(built(), build));
    const now = new Date();
    for (const path of Object.keys(MODULES)) utimesSync(at(path), now, now);
    expect(await start()).toBe('one built\n');
    expect([builds(), statSync(join(built(), build)).mtimeMs]).toEqual([[build], mtimeMs]);
  });

  it('makes one build with others that start at once', async () => {
    const said = await Promise.all([start(), start(), start()]);
    expect(said).toEqual(['one built\n', 'one built\n', 'one built\n']);
    expect(readdirSync(built()).sort()).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), 'manifest.json']);
  });

  it.each([
    ['a manifest that was cut off', () => writeFileSync(join(built(), 'manifest.json'), '{"folder":')],
    ['a build that is gone', () => rmSync(join(built(), builds()[0] ?? ''), { recursive: true })],
    ['what a builder left that was killed', () => mkdirSync(join(built(), 'new-AbCdEf'))],
  ])('gets over %s', async (_, damage) => {
    await start();
    damage();
    expect(await start()).toBe('one built\n');
    expect(await start()).toBe('one built\n');
  });

  it('names the lines of modules in traces, of threads too', async () => {
    expect(await start(['fail'])).toMatch(/TypeError: as asked\n.*\/cli\/main\.ts:8:/s);
    expect(await start(['thread'])).toMatch(/Error: in a thread\n +at .*\/transfer\/worker\/main\.ts:2:/);
    expect(builds()).toHaveLength(1);
  });

  it('starts threads, of the tree, after its build is gone', async () => {
    await start();
    expect(await start(['late-thread'])).toMatch(/^Error: in a thread\n +at .*\/transfer\/worker\/main\.ts:2:/);
    expect(builds()).toEqual([]);
  });
});

describe('npm ci', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { prepare: string } };
  const prepare = () => {
    const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
    return spawnSync('sh', ['-c', scripts.prepare], { cwd: tree, env, encoding: 'utf8' });
  };

  it('builds', () => {
    expect(prepare()).toMatchObject({ status: 0, stderr: '' });
    expect(builds()).toHaveLength(1);
  });

  it('installs packages also where the rest of the tree comes later, as in layers of an image', () => {
    rmSync(at('programs'), { recursive: true });
    expect(prepare()).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('starts from its modules', () => {
  it('where nothing can be written', async () => {
    chmodSync(tree, 0o555);
    expect(await start([], UNPRIVILEGED)).toBe('one source\n');
    expect(existsSync(built())).toBe(false);
  });

  it('where what builds is not installed', async () => {
    rmSync(at('node_modules/esbuild'));
    expect(await start()).toBe('one source\n');
  });

  it('where a module has no right form, which it tells', async () => {
    await start();
    write('cli/value.ts', 'export const VALUE: = 1;\n');
    expect(await start()).toMatch(/value\.ts/);
    write('cli/value.ts', "export const VALUE: string = 'mended';\n");
    expect(await start()).toBe('mended built\n');
  });

  it('where others can write the folder of builds', async () => {
    await start();
    chmodSync(built(), 0o777);
    expect(await start()).toBe('one source\n');
  });
});

describe('does not run', () => {
  const evil = "console.log('evil');\n";

  it.each([
    { what: 'others can write', give: (path: string) => chmodSync(path, 0o775) },
    ...(root ? [{ what: 'is of somebody else', give: (path: string) => chownSync(path, 4711, 4711) }] : []),
  ])('a build that $what, and makes another', async ({ give }) => {
    await start();
    const build = join(built(), builds()[0] ?? '');
    writeFileSync(join(build, 'cli.js'), evil);
    give(build);
    expect(await start()).toBe('one built\n');
    expect(await start()).toBe('one built\n');
  });

  it('what a manifest names that others can write', async () => {
    await start();
    write('evil/cli.js', evil);
    writeFileSync(join(built(), 'manifest.json'), JSON.stringify({ folder: '../evil', inputs: [] }));
    chmodSync(join(built(), 'manifest.json'), 0o666);
    expect(await start()).toBe('one built\n');
  });

  it('a build behind a link', async () => {
    await start();
    write('evil/cli.js', evil);
    rmSync(join(built(), builds()[0] ?? ''), { recursive: true });
    const { folder } = JSON.parse(readFileSync(join(built(), 'manifest.json'), 'utf8')) as { folder: string };
    symlinkSync(at('evil'), join(built(), folder));
    expect(await start()).toBe('one built\n');
  });
});

describe.runIf(root)('who does not own the tree', () => {
  it('starts what its owner has built, and leaves nothing', async () => {
    expect(await start([], STRANGER)).toBe('one source\n');
    expect(existsSync(built())).toBe(false);
    await start();
    expect(await start([], STRANGER)).toBe('one built\n');
    write('cli/value.ts', "export const VALUE: string = 'two';\n");
    expect(await start([], STRANGER)).toBe('two source\n');
    expect(builds()).toHaveLength(1);
  });

  it('starts what its owner has built, whatever mask the owner has', async () => {
    await start();
    write('cli/value.ts', "export const VALUE: string = 'two';\n");
    for (const mask of ['077', '022']) {
      await start([], ['sh', '-c', `umask ${mask}; exec "$@"`, 'sh']);
      expect(await start([], STRANGER)).toBe('two built\n');
    }
  });
});

it('is what this tree starts from, as it is', async () => {
  expect(await builtFolder()).toMatch(/[0-9a-f]{16}$/);
});
