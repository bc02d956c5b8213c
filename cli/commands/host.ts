import type { Command } from 'commander';
import { Digest, HostId } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';
import type { OperationInput } from '../../lib/operations/index.ts';
import { size } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { note, print } from '../output.ts';

interface HostOptions extends PlaneOptions {
  readonly dryRun?: boolean;
}

type HostCommand = OperationInput<'commandHost'>['command'];

const ABOUT_A_BLOB = [
  ['pin', 'keep what a reference names on a host, whatever room is needed'],
  ['unpin', 'let it be evicted again'],
  ['evict', 'take it from a host; the origin copy stays'],
  ['verify', 'recompute its digest from the bytes on the disk'],
] as const;

const ABOUT_A_HOST = [
  ['drain', 'stop placing on a host, and empty it of what is not leased'],
  ['report', 'have a host list everything that it holds'],
] as const;

/** Adds `strata host`: signed commands for one host, which end by its receipt (`strata explain`). */
export function registerHost(program: Command): void {
  const host = program.command('host').description('signed commands for one host');
  const add = (name: string, text: string) =>
    withPlane(host.command(name).description(text))
      .argument('<host>')
      .option('--dry-run', 'decide and tell, but change nothing');
  for (const [type, text] of ABOUT_A_BLOB) {
    add(type, text)
      .argument('<what>', 'a digest, or name@reference for all of its files')
      .action(async (name: string, what: string, options: HostOptions) => {
        const digests = await digestsOf(what, options);
        const commands = digests.map((digest) => ({ type, digest }));
        const told = Digest.safeParse(what).success ? '`strata explain` of its model' : `\`strata explain ${what}\``;
        await send(name, commands, options, told);
      });
  }
  for (const [type, text] of ABOUT_A_HOST) {
    add(type, text).action((name: string, options: HostOptions) => send(name, [{ type }], options));
  }
  add('resize', 'set how many bytes a host may use')
    .argument('<bytes>', 'such as 500GB, 450GiB or a count of bytes', size)
    .action((name: string, bytes: number, options: HostOptions) =>
      send(name, [{ type: 'resize', capacityBytes: Bytes.parse(bytes) }], options),
    );
}

async function digestsOf(what: string, options: HostOptions): Promise<readonly Digest[]> {
  const digest = Digest.safeParse(what);
  if (digest.success) return [digest.data];
  const { operations } = await connect(options);
  const { files } = await operations.showVersion({ reference: what });
  return [...new Set(files.map((file) => file.digest))];
}

/** `told`: what tells how they have ended; sent is not done. */
async function send(
  name: string,
  commands: readonly HostCommand[],
  options: HostOptions,
  told = `\`strata hosts ${name}\``,
): Promise<void> {
  const host = HostId.safeParse(name);
  if (!host.success) {
    throw new CliError({
      code: 'bad-reference',
      message: `\`${name}\` is no host name. See \`strata hosts\`.`,
      retryable: false,
    });
  }
  const { operations } = await connect(options);
  const dryRun = options.dryRun === true;
  const sent = [];
  for (const command of commands) sent.push(await operations.commandHost({ host: host.data, command, dryRun }));
  print(options, {
    schema: 'strata.host-command/v1',
    items: sent,
    id: ({ actionId }) => actionId,
    columns: [
      ['ACTION', ({ actionId }) => actionId],
      ['HOST', (one) => one.host],
      ['COMMAND', ({ type }) => type],
    ],
  });
  if (dryRun) note('Nothing was sent (--dry-run).');
  else if (options.json !== true) note(`The host does it when it next looks: ${told} shows whether it has.`);
}
