import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_MODULES } from '../../cli/commands.ts';
import { strataHere } from './strataHere.ts';
import { runStrata, STRATA } from './strataProcess.ts';

const run = promisify(execFile);
const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0;

const program = new Command();
for (const { load } of COMMAND_MODULES) (await load())(program);

const folder = mkdtempSync(join(tmpdir(), 'strata-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('strata completion bash', () => {
  /** What it offers for the words of each line, the last of them unfinished. */
  async function offered(lines: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> {
    const script = `source <("$0" "$1" completion bash); complete -p strata; while IFS='|' read -ra COMP_WORDS; do
      COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); [[ \${COMP_WORDS[COMP_CWORD]} == '<>' ]] && COMP_WORDS[COMP_CWORD]=''
      _strata; echo "\${COMPREPLY[*]}"; done`;
    const child = run('bash', ['-uc', script, process.execPath, STRATA]);
    child.child.stdin?.end(lines.map((words) => `strata|${words.map((word) => word || '<>').join('|')}\n`).join(''));
    const [registered, ...replies] = (await child).stdout.replace(/\n$/, '').split('\n');
    expect(registered).toBe('complete -o default -F _strata strata');
    return replies.map((reply) => (reply === '' ? [] : reply.split(' ')));
  }

  it('offers commands, their options, the words that one may be, and else files', async () => {
    const answers = await offered([
      ['qua'],
      ['quarantine', ''],
      ['--json', 'quarantine', 're'],
      ['quarantine', 'release', '--re'],
      ['plan', '--policy', ''],
      ['plan', '--policy', 'd'],
      ['completion', ''],
      ['push', '--data', ''],
      ['push', 'x'],
      ['scan', 'quarantine', 'sh'],
    ]);
    expect(answers).toEqual([
      ['quarantine'],
      ['ls', 'show', 'release', 'events'],
      ['release'],
      ['--reason'],
      ['rules', 'dollars', 'lifecycle'],
      ['dollars'],
      ['bash', 'zsh', 'fish'],
      [],
      [],
      [],
    ]);
  });

  it('knows every command, and every option of each', async () => {
    const below = (command: Command, path: readonly string[]): (readonly [readonly string[], Command])[] =>
      command.commands.flatMap((one) => [[[...path, one.name()], one], ...below(one, [...path, one.name()])]);
    const all = below(program, []);
    expect(all.length).toBeGreaterThan(60);
    const commands = await offered([[''], ...all.map(([path]) => [...path, ''])]);
    for (const [at, [path, command]] of ([[[], program] as const, ...all] as const).entries()) {
      if (command.commands.length > 0)
        expect(commands[at], path.join(' ')).toEqual(command.commands.map((one) => one.name()));
    }
    const options = await offered(all.map(([path]) => [...path, '-']));
    for (const [at, [path, command]] of all.entries()) {
      const flags = command.options.filter(({ hidden }) => !hidden).flatMap(({ short, long }) => [short, long]);
      expect(options[at], path.join(' ')).toEqual([...flags.filter((flag) => flag !== undefined), '-h', '--help']);
    }
  });
});

describe('in other shells', () => {
  const scripts: Record<string, string> = {};
  beforeAll(async () => {
    for (const shell of ['zsh', 'fish']) {
      scripts[shell] = join(folder, shell);
      writeFileSync(scripts[shell], (await runStrata(['completion', shell])).stdout);
    }
  });

  it.skipIf(!isThere('zsh'))('zsh is offered commands with their descriptions, options and words', async () => {
    const script = `compdef() { }; _files() { print files }; compadd() { print -r -- "$*" }
      _describe() { local list=\${@[-1]}; print -rl -- "\${(@P)list}" }
      source $0; words=(strata "$@"); CURRENT=$#words; _strata`;
    const answer = async (...words: readonly string[]) =>
      (await run('zsh', ['-fc', script, scripts['zsh'] ?? '', ...words])).stdout.trimEnd().split('\n');
    expect(await answer('qu')).toContain('quarantine:uploads that were refused, and what changed sides');
    expect(await answer('quarantine', 'release', '--')).toContain('--reason:why; kept with the file');
    expect(await answer('plan', '--policy', '')).toEqual(['-- rules dollars lifecycle']);
    expect(await answer('push', '--data', '')).toEqual(['files']);
  });

  it.skipIf(!isThere('fish'))('fish is offered the same', async () => {
    const answer = async (line: string) => {
      const { stdout } = await run('fish', [
        '--no-config',
        '-c',
        'source $argv[1]; complete -C $argv[2]',
        scripts['fish'] ?? '',
        line,
      ]);
      return stdout.trimEnd().split('\n');
    };
    expect(await answer('strata qu')).toEqual(['quarantine\tuploads that were refused, and what changed sides']);
    expect(await answer('strata quarantine release --rea')).toEqual(['--reason\twhy; kept with the file']);
    expect((await answer('strata completion ')).map((line) => line.split('\t')[0])).toEqual(['bash', 'fish', 'zsh']);
  });
});

it('gives programs a script in one record, and says of an unknown shell which there are', async () => {
  const { stdout } = await strataHere(['completion', 'fish', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    schema: 'strata.completion/v1',
    shell: 'fish',
    script: expect.stringContaining('complete -c strata'),
  });
  const { code, stderr } = await strataHere(['completion', 'csh']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are bash, zsh, fish.')]);
});
