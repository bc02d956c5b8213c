import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { scratchIn } from './scratch.ts';

/**
 * `node bench/main.ts <name> [flags]` runs `bench/<name>/bench.ts`, which exports
 * `run(args: readonly string[]): Promise<void>` and prints what it measured. Without a name it lists them. What a bench puts into
 * the temporary folder goes when it ends, also where that is because nobody reads any more what it prints.
 */
const here = new URL('.', import.meta.url);
const names = readdirSync(here).filter((name) => existsSync(new URL(`${name}/bench.ts`, here)));
const { positionals } = parseArgs({ strict: false, allowPositionals: true });
const [name] = positionals;

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- <${names.join('|')}> [flags]`);
  process.exitCode = 2;
} else {
  process.env['TMPDIR'] = scratchIn(tmpdir());
  // A reader that has seen enough closes the pipe; that is no failure.
  process.stdout.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') console.error(error);
    process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1);
  });
  const bench = await import(new URL(`${name}/bench.ts`, here).href);
  await bench.run(process.argv.slice(process.argv.indexOf(name) + 1));
}
