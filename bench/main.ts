import { existsSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * `node bench/main.ts <name> [flags]` runs `bench/<name>/bench.ts`, which exports
 * `run(args: readonly string[]): Promise<void>` and prints what it measured. Without a name it lists them.
 */
const here = new URL('.', import.meta.url);
const names = readdirSync(here).filter((name) => existsSync(new URL(`${name}/bench.ts`, here)));
const { positionals } = parseArgs({ strict: false, allowPositionals: true });
const [name] = positionals;

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- <${names.join('|')}> [flags]`);
  process.exitCode = 2;
} else {
  const bench = await import(new URL(`${name}/bench.ts`, here).href);
  await bench.run(process.argv.slice(process.argv.indexOf(name) + 1));
}
