import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommanderError, InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { registerCompress } from '../../../cli/commands/compress.ts';
import { registerPlan } from '../../../cli/commands/plan.ts';
import { registerPrices } from '../../../cli/commands/prices.ts';
import { registerReplay } from '../../../cli/commands/replay.ts';
import { registerScan } from '../../../cli/commands/scan.ts';
import { registerSimulate } from '../../../cli/commands/simulate.ts';
import { registerAudit } from '../../../cli/commands/audit.ts';
import { registerLifecycle } from '../../../cli/commands/lifecycle.ts';
import { registerServiceLevel } from '../../../cli/commands/serviceLevel.ts';
import { registerTokens } from '../../../cli/commands/tokens.ts';
import { connectLoopback } from '../../../cli/connection/loopback.ts';
import { describeError, exitCodeOf } from '../../../cli/errors.ts';
import { useCommands } from '../../support/commands.ts';

const { at, file, strata, told } = useCommands(
  registerReplay,
  registerSimulate,
  registerPrices,
  registerPlan,
  registerCompress,
  registerScan,
  registerAudit,
  registerLifecycle,
  registerServiceLevel,
  registerTokens,
);

const LOG = ['time,object,bytes,op,region,host', '1704067200,a,6000000000,write,,', '1719792000,a,6000000000,read,,'];

/** What a person sees of a command that fails. */
async function failure(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  try {
    const printed = await strata(...args);
    return { code: Number(process.exitCode ?? 0), text: printed };
  } catch (error) {
    return { code: exitCodeOf(error), text: describeError(error, false) };
  }
}

const FILES: readonly (readonly [string, () => Promise<string>])[] = [
  ['a file that is not there', async () => at('none')],
  ['an empty file', () => file('empty', '')],
  ['a folder', async () => (await mkdir(at('folder')), at('folder'))],
  ['random bytes', () => file('random', randomBytes(4000))],
  ['prose', () => file('prose', 'hello\nworld\n')],
  ['other JSON', () => file('other.json', '{"a":1}\n')],
  ['null', () => file('null.json', 'null\n')],
  ['a cut gzip', () => file('cut.gz', Buffer.from('1f8b0800000000000003cb48', 'hex'))],
];

const COMMANDS: readonly (readonly [string, (path: string) => Promise<readonly string[]>])[] = [
  ['replay --log', async (path) => ['replay', '--log', path]],
  ['replay --log --host-cache', async (path) => ['replay', '--log', path, '--host-cache', '1GB']],
  ['replay --prices', async (path) => ['replay', '--log', await file('log.csv', LOG.join('\n')), '--prices', path]],
  ['simulate cache', async (path) => ['simulate', 'cache', '--trace', path]],
  ['prices show', async (path) => ['prices', 'show', '--prices', path]],
  ['prices diff', async (path) => ['prices', 'diff', path]],
  ['prices check', async (path) => ['prices', 'check', '--file', path]],
  ['plan --inventory', async (path) => ['plan', '--inventory', path]],
  ['policy diff', async (path) => ['policy', 'diff', 'rules', 'dollars', '--inventory', path]],
  ['decompress', async (path) => ['decompress', path, at('out')]],
];

describe.each(FILES)('%s', (_, make) => {
  it.each(COMMANDS)('given to %s is refused in a line that says why', async (_name, argsOf) => {
    const path = await make();
    const { code, text } = await failure(...(await argsOf(path)));
    expect(code, text).toBe(2);
    expect(text).toMatch(/^error\[[a-z-]+\]: .{20,}/);
    expect(text).not.toMatch(/error\[internal\]|ZodError|\n {4}at |Invalid input/);
  });
});

describe('a pipe', () => {
  it.each([
    // What cannot be judged is a finding.
    ['scan', 1],
    ['compress', 2],
  ])('is refused by %s, which does not wait for its other end', async (command, code) => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(await failure(command, at('pipe'))).toEqual({
      code,
      text: expect.stringContaining('is no regular file'),
    });
  });
});

it.runIf(existsSync('/dev/full'))('tells that what it prints found a full disk', () => {
  const output = openSync('/dev/full', 'w');
  const strata = join(import.meta.dirname, '../../../cli/bin.js');
  const args = [strata, 'prices', 'show', '--json'];
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', output, 'pipe'], encoding: 'utf8' });
  closeSync(output);
  expect([status, JSON.parse(stderr)]).toMatchObject([1, { code: 'disk-full', retryable: false }]);
});

it('tells a full disk as what it is', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(describeError(full, false)).toMatch(/^error\[disk-full\]: The disk .* is full\. Make room/);
  expect(exitCodeOf(full)).toBe(1);
});

describe('strata replay', () => {
  it.each([
    ['an empty log', '', /Nothing was read from .*: there is no line in it/],
    [
      'a log of a header',
      LOG[0] ?? '',
      /Nothing was read from .*: 1 line, none of them is a read, a write or a delete/,
    ],
    [
      'a log of lines that nobody understands',
      [LOG[0], 'soon,a,1,read', '1,a,1,frob', '1,,1,read', '-1,b,1,read', ''].join('\n'),
      /line 2: its time is "soon", neither.*, line 3: its operation is "frob", not read, write or delete, line 4: it names no object, and 1 more/,
    ],
    ['JSON of another kind', '{"time":1}\n{{\n', /line 1: it is neither a CloudTrail event.*, line 2: it is no JSON/],
    [
      'an event of CloudTrail without a moment',
      JSON.stringify({ Records: [{ eventTime: 'soon', eventSource: 's3.amazonaws.com', eventName: 'GetObject' }] }),
      /line 1: its time is "soon"/,
    ],
  ])('says of %s that nothing was read, which lines were skipped and why', async (_, text, why) => {
    const { code, text: said } = await failure('replay', '--log', await file('log', text));
    expect(code).toBe(2);
    expect(said).toMatch(/^error\[bad-file\]/);
    expect(said).toMatch(why);
  });

  it('goes on with the lines that it understands, and says which it leaves out', async () => {
    const log = await file('log', [...LOG, '1719792000,a,1,frob', '1719792001,a,1,read'].join('\n'));
    await strata('replay', '--log', log, '--policies', 'always-standard');
    expect(told()).toMatch(/log: 1 line was not understood \(line 4: its operation is "frob".*\); they are left out\n/);
  });

  it('names the field of a price book that is wrong, and what was expected', async () => {
    const log = await file('log.csv', LOG.join('\n'));
    const prices = await file('prices.json', '{"schema":"strata.prices/1","id":7}');
    const { text } = await failure('replay', '--log', log, '--prices', prices);
    expect(text).toContain('error[invalid-book]: The price book is not valid: "id" must be a text; "provider" must');
  });

  it('says of a plot that cannot be written where it was to lie', async () => {
    const args = ['--log', await file('log.csv', LOG.join('\n')), '--policies', 'always-standard'];
    const { code, text } = await failure('replay', ...args, '--plot', at('none/plot.svg'));
    expect([code, text]).toEqual([2, expect.stringMatching(/^error\[bad-path\]: .*plot\.svg cannot be written/)]);
  });
});

describe('a number, a moment or a time that is none', () => {
  it.each([
    ['replay', '--log', 'x', '--gpu-hour'],
    ['replay', '--log', 'x', '--tolerance'],
    ['replay', '--log', 'x', '--host-cache'],
    ['simulate', 'cache', '--trace', 'x', '--sizes'],
    ['simulate', 'cache', '--trace', 'x', '--seed'],
    ['plan', '--max-cost'],
    ['plan', '--max-moves'],
    ['plan', '--at'],
    ['scan', 'x', '--timeout'],
    ['compress', 'x', '--months'],
    ['audit', 'verify', '--since'],
    ['rm', 'x@1.0.0', '--undo-days'],
    ['retain', 'x@1.0.0', '--until'],
    ['restore', 'x', '--within'],
    ['service-level', 'set', 'x', '--reads-per-day'],
    ['token', 'create', 'x', '--uses'],
    ['token', 'create', 'x', '--valid'],
  ])('is no argument of %s %s %s %s %s', async (...args) => {
    for (const value of ['-1', 'NaN', 'Infinity', 'abc', '', ' ']) {
      const thrown = await strata(...args, value).catch((error: unknown) => error);
      expect(thrown, value).toSatisfy(
        (error) => error instanceof CommanderError || error instanceof InvalidArgumentError,
      );
    }
  });
});

it.each(['frob', 'ftp://host', 'http://', ''])('%j is no endpoint of a plane', (endpoint) => {
  expect(() => connectLoopback({ endpoint, token: '' })).toThrow('is no URL of a plane');
});
