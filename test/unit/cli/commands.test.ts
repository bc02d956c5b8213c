import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMAND_MODULES, modulesFor } from '../../../cli/commands.ts';

async function namesOf(modules: typeof COMMAND_MODULES): Promise<readonly string[]> {
  const program = new Command();
  for (const { load } of modules) (await load())(program);
  return program.commands.map((command) => command.name());
}

describe('The commands of the command line', () => {
  it('are found by the names that their modules give them', async () => {
    for (const one of COMMAND_MODULES) expect(await namesOf([one])).toEqual(one.names);
  });

  it.each([['fetch'], ['decompress']])('load by themselves where %s is asked for', async (name) => {
    expect(modulesFor(name)).toHaveLength(1);
    expect(await namesOf(modulesFor(name))).toContain(name);
  });

  it('say of the doctor what a host reads without a bucket', async () => {
    const program = new Command();
    for (const { load } of modulesFor('doctor')) (await load())(program);
    const help = program.commands.find((command) => command.name() === 'doctor')?.helpInformation();
    expect(help?.replaceAll(/\s+/g, ' ')).toContain('outside of AWS none, since the plane hands out objects');
  });

  it.each([[undefined], ['--help'], ['help'], ['fetsh'], ['completion']])(
    'are all there where %s is asked for',
    (first) => {
      expect(modulesFor(first)).toBe(COMMAND_MODULES);
    },
  );
});
