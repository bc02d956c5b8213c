import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_MODULES } from '../../cli/commands.ts';
import { strataHere } from './strataHere.ts';
import { type StartedPlane, startPlane } from './startPlane.ts';

/** What a command is given that it takes; and in its place what is malformed, or what no plane has. */
interface Sample {
  readonly takes: readonly string[];
  readonly malformed?: readonly string[];
  readonly unknown?: readonly string[];
}

const ofVersion = (...flags: readonly string[]): Sample => ({
  takes: ['tiny@1.0.0', ...flags],
  malformed: ['../etc@1.0.0', ...flags],
  unknown: ['none@1.0.0', ...flags],
});
const ofModel = (...flags: readonly string[]): Sample => ({
  takes: ['tiny', ...flags],
  malformed: ['../etc', ...flags],
  unknown: ['none', ...flags],
});
const onHost = (...rest: readonly string[]): Sample => ({
  takes: ['gpu-a', ...rest],
  malformed: ['../gpu', ...rest],
  unknown: ['gpu-none', ...rest],
});
const DIGEST = 'a'.repeat(64);
const NONE: Sample = { takes: [] };
const FILE = 'package.json';

const SAMPLES: Readonly<Record<string, Sample>> = {
  push: { takes: ['tiny@1.0.0', FILE], malformed: ['../etc@1.0.0', FILE] },
  ls: NONE,
  show: ofModel(),
  explain: ofModel(),
  rm: ofVersion('--yes'),
  undo: ofVersion(),
  deleted: ofModel(),
  restore: ofVersion(),
  'hold set': ofVersion('--reason', 'court'),
  'hold release': ofVersion(),
  retain: ofVersion('--until', '2999-12-31'),
  'quarantine ls': NONE,
  'quarantine show': { takes: ['uploads/a/1.0.0/b'], unknown: ['uploads/none/1.0.0/b'] },
  'quarantine release': {
    takes: ['uploads/a/1.0.0/b', '--reason', 'r', '--yes'],
    unknown: ['uploads/none/1.0.0/b', '--reason', 'r', '--yes'],
  },
  'quarantine events': NONE,
  rescan: NONE,
  'audit show': { takes: ['tiny@1.0.0'] },
  'audit verify': NONE,
  hosts: { takes: ['gpu-a'], unknown: ['gpu-none'] },
  'alias promote': ofVersion('stable'),
  'alias rollback': ofModel('stable'),
  'alias remove': ofModel('stable'),
  deprecate: ofVersion(),
  'service-level set': ofModel('--reads-per-day', '1'),
  'service-level show': ofModel(),
  'service-level list': NONE,
  'dlq list': { takes: ['ingest'], unknown: ['nowhere'] },
  'dlq show': { takes: ['ingest'], unknown: ['nowhere'] },
  'dlq redrive': { takes: ['ingest'], unknown: ['nowhere'] },
  'token create': { takes: ['gpu-a'], malformed: ['../gpu'] },
  'token list': NONE,
  'token revoke': { takes: ['0'.repeat(16)], malformed: ['gpu-a'], unknown: ['0'.repeat(16)] },
  'config show': NONE,
  doctor: NONE,
  tune: { takes: ['--store', '/tmp'], malformed: ['--store', '/nowhere/at/all'] },
  'host pin': onHost(DIGEST, '--no-wait'),
  'host unpin': onHost(DIGEST, '--no-wait'),
  'host evict': onHost(DIGEST, '--no-wait'),
  'host verify': onHost(DIGEST, '--no-wait'),
  'host drain': onHost('--no-wait'),
  'host report': onHost('--no-wait'),
  'host resize': onHost('1GB', '--no-wait'),
  replay: { takes: ['--log', FILE], malformed: ['--log', '/nowhere/at/all'] },
  'simulate cache': { takes: ['--trace', FILE], malformed: ['--trace', FILE] },
  'prices show': NONE,
  'prices check': NONE,
  'prices refresh': NONE,
  'prices diff': { takes: ['lib/pricing/books/aws-us-east-1.json'], malformed: [FILE] },
  'prices accept': { takes: ['lib/pricing/books/aws-us-east-1.json'], malformed: [FILE] },
  tiers: NONE,
  plan: { takes: [], malformed: ['--inventory', '/nowhere/at/all'], unknown: ['--explain', 'ab'] },
  'policy diff': { takes: [], malformed: ['rules', 'dollars', '--inventory', FILE] },
  'policy show': NONE,
  'policy accept': { takes: ['rules'], malformed: ['nothing-like-it'] },
  sweeps: { takes: ['run-1'], unknown: ['run-none'] },
  costs: NONE,
  opportunities: NONE,
  scan: { takes: [FILE], malformed: ['/nowhere/at/all'] },
  fetch: { takes: ['http://127.0.0.1:1/x', '/tmp/x'], malformed: ['nowhere', '/tmp/x'] },
  upload: { takes: [FILE, 's3://b/k'], malformed: [FILE, 'nowhere'] },
  compress: { takes: [FILE, '-'], malformed: ['/nowhere/at/all', '-'] },
  completion: { takes: ['bash'], malformed: ['csh'] },
  decompress: { takes: [FILE, '-'], malformed: [FILE, '-'] },
};

interface Leaf {
  readonly name: string;
  readonly command: Command;
}

async function leaves(): Promise<readonly Leaf[]> {
  const program = new Command();
  for (const { load } of COMMAND_MODULES) (await load())(program);
  const below = (command: Command, path: readonly string[]): readonly Leaf[] =>
    command.commands.length === 0
      ? [{ name: path.join(' '), command }]
      : command.commands.flatMap((one) => below(one, [...path, one.name()]));
  return below(program, []);
}

/** Some only price by what the plane says, and go on with what is shipped. */
const WITHOUT_PLANE = ['replay', 'tiers', 'compress', 'config show'];

function needsPlane(name: string, command: Command): boolean {
  return command.options.some(({ long }) => long === '--endpoint') && !WITHOUT_PLANE.includes(name);
}

const LEAVES = await leaves();
let folder: StartedPlane['folder'];
let stop: StartedPlane['stop'];
beforeAll(async () => {
  ({ folder, stop } = await startPlane());
});
afterAll(() => stop());

async function outcome(name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const surroundings = { STRATA_DATA: folder.path, AWS_REGION: 'eu-west-1', ...environment };
  const { code, stderr } = await strataHere([...name.split(' '), ...args], { environment: surroundings });
  return { code, error: /error\[[a-z-]+\]: .*/.exec(stderr)?.[0] ?? stderr };
}

it('every command has its row', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(LEAVES.map(({ name }) => name).sort());
});

const takesNothing = ({ command }: Leaf): boolean =>
  !command.registeredArguments.some(({ required }) => required) && !command.options.some(({ mandatory }) => mandatory);
const sampleOf = (name: string): Sample => SAMPLES[name] ?? NONE;

describe('exits 2', () => {
  it.each(LEAVES)('for an option that strata $name does not have', async ({ name }) => {
    const { code, error } = await outcome(name, [...sampleOf(name).takes, '--nonsense']);
    expect([code, error]).toEqual([2, "error[usage]: unknown option '--nonsense'"]);
  });

  it.each(LEAVES.filter((leaf) => !takesNothing(leaf)))('where strata $name lacks what it needs', async ({ name }) => {
    const { code, error } = await outcome(name, []);
    expect([code, error]).toEqual([2, expect.stringMatching(/^error\[usage\]: (missing required|required option)/)]);
  });

  it.each(LEAVES.filter(({ name }) => sampleOf(name).malformed))(
    'for what strata $name cannot read',
    async ({ name }) => {
      const { code, error } = await outcome(name, sampleOf(name).malformed ?? []);
      expect([code, error]).toEqual([2, expect.stringMatching(/^error\[/)]);
    },
  );
});

it.each(LEAVES.filter(({ name }) => sampleOf(name).unknown))(
  'exits 1 for what strata $name does not find',
  async ({ name }) => {
    const { code, error } = await outcome(name, sampleOf(name).unknown ?? []);
    const codes = /^error\[(unknown-[a-z]+|command-refused|not-deleted|not-releasable)\]/;
    expect([code, error]).toEqual([1, expect.stringMatching(codes)]);
  },
);

it.each(LEAVES.filter(({ name, command }) => needsPlane(name, command)))(
  'exits 3 where the plane of strata $name is away',
  async ({ name }) => {
    const { code, error } = await outcome(name, sampleOf(name).takes, { STRATA_ENDPOINT: 'http://127.0.0.1:1' });
    expect([code, error]).toEqual([3, expect.stringContaining('error[plane-unreachable]: Nothing answers at')]);
  },
);
