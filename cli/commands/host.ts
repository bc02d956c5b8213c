import type { Command } from 'commander';
import { Digest, HostId } from '../../lib/shared/ids.ts';
import { Bytes, MINUTE_MS } from '../../lib/shared/units.ts';
import type { OperationInput, OperationOutput, Operations } from '../../lib/operations/index.ts';
import { errorText, StrataError } from '../../lib/shared/errors.ts';
import { duration, size } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError, FindingsError } from '../errors.ts';
import { hostFailureOf, hostFailuresText } from '../hostFailures.ts';
import { hasEnded, type HostAction, waitForReceipts } from '../hostReceipts.ts';
import { isOfOlder } from '../olderPlane.ts';
import { note, print } from '../output.ts';

interface HostOptions extends PlaneOptions {
  readonly dryRun?: boolean;
  /** Milliseconds; false with `--no-wait`. */
  readonly wait: number | false;
}

type HostCommand = OperationInput<'commandHost'>['command'];
type Sent = OperationOutput<'commandHost'>;
type SentCommand = Sent & { readonly digest: Digest | undefined };

/** An idle host looks into its queue every half minute. */
const WAIT_MS = 2 * MINUTE_MS;

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

/** Adds `strata host`: signed commands for one host, which end by its receipt. */
export function registerHost(program: Command): void {
  const host = program.command('host').description('signed commands for one host');
  const add = (name: string, text: string) =>
    withPlane(host.command(name).description(text))
      .argument('<host>')
      .option('--dry-run', 'decide and tell, but change nothing')
      .option(
        '--wait <time>',
        'how long to wait for what the host makes of it: 2m where nothing is said',
        duration,
        WAIT_MS,
      )
      .option('--no-wait', 'only send it');
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

/** `told`: what tells how they have ended where nobody waited for it. */
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
  const { sent, refused } = await sendAll(operations, host.data, commands, options, told);
  if (options.dryRun === true || options.wait === false) {
    printSent(sent, options);
    if (options.dryRun === true) note('Nothing was sent (--dry-run).');
    else if (options.json !== true) note(`The host does it when it next looks: ${told} shows whether it has.`);
  } else {
    if (options.json !== true) note('Sent. Waiting for the host; Ctrl-C ends the waiting, not the command.');
    const ids = sent.map(({ actionId }) => actionId);
    const { actions, error } = await waitForReceipts(operations, ids, options.wait);
    if (isOfOlder(error)) {
      printSent(sent, options);
      throw neverTold();
    }
    const ended = sent.map((one) => ({ ...one, action: actions.get(one.actionId) }));
    printEnds(ended, options);
    for (const { action } of ended) if (isFailed(action)) note(hostFailuresText([action]).trim());
    const failed = ended.some(({ action }) => isFailed(action));
    if (error !== undefined && !failed) throw error;
    if (error !== undefined) note(`The others were not seen to end: ${errorText(error)}`);
    if (failed) throw new FindingsError('not done by the host');
    if (refused === 0 && ended.some(({ action }) => !hasEnded(action))) throw noReceipt(name, told);
  }
  if (refused > 0) throw new FindingsError('refused by the plane');
}

interface Refusal {
  readonly command: HostCommand;
  readonly error: StrataError;
}

/**
 * Where several are asked for, those that the plane refuses keep no others back; where it takes none, that is an error. Where the plane
 * goes away amid them, it is told which were sent before that is thrown.
 */
async function sendAll(
  operations: Operations,
  host: HostId,
  commands: readonly HostCommand[],
  options: HostOptions,
  told: string,
) {
  const dryRun = options.dryRun === true;
  const sent: SentCommand[] = [];
  const refusals: Refusal[] = [];
  for (const [place, command] of commands.entries()) {
    try {
      sent.push({ ...(await operations.commandHost({ host, command, dryRun })), digest: digestIn(command) });
    } catch (error) {
      if (error instanceof StrataError && error.code === 'command-refused') {
        refusals.push({ command, error });
        continue;
      }
      noteRefusals(refusals);
      const rest = commands.slice(place + 1);
      const unanswered = !(error instanceof StrataError) || error.retryable;
      if (!dryRun && commands.length > 1 && (unanswered || sent.length > 0))
        printCutOff({ host, sent, refusals, failed: command, unanswered, rest }, options, told);
      throw error;
    }
  }
  const [first] = refusals;
  if (first !== undefined && sent.length === 0) throw first.error;
  noteRefusals(refusals);
  return { sent, refused: refusals.length };
}

function noteRefusals(refusals: readonly Refusal[]): void {
  for (const { command, error } of refusals) note(`${subjectOf(command)}: ${error.message}`);
}

function subjectOf(command: HostCommand): string {
  const digest = digestIn(command);
  return digest === undefined ? command.type : `${command.type} of ${digest.slice(0, 12)}`;
}

function digestIn(command: HostCommand): Digest | undefined {
  return 'digest' in command ? command.digest : undefined;
}

const COLUMNS = [
  ['ACTION', ({ actionId }: Sent) => actionId],
  ['HOST', ({ host }: Sent) => host],
  ['COMMAND', ({ type }: Sent) => type],
] as const;

function printSent(items: readonly Sent[], options: HostOptions): void {
  print(options, { schema: 'strata.host-command/v1', items, id: ({ actionId }) => actionId, columns: COLUMNS });
}

interface CutOff {
  readonly host: HostId;
  readonly sent: readonly SentCommand[];
  readonly refusals: readonly Refusal[];
  readonly failed: HostCommand;
  /** Else the plane said no, and took nothing of it. */
  readonly unanswered: boolean;
  readonly rest: readonly HostCommand[];
}

/** What became of each of several commands amid which the plane went away, or would hear no more. */
function printCutOff(
  { host, sent, refusals, failed, unanswered, rest }: CutOff,
  options: HostOptions,
  told: string,
): void {
  const unsent = (state: string) => (command: HostCommand) => ({
    actionId: undefined,
    host,
    type: command.type,
    digest: digestIn(command),
    state,
  });
  const others = [
    ...refusals.map(({ command }) => command).map(unsent('not-taken')),
    unsent(unanswered ? 'unanswered' : 'not-taken')(failed),
    ...rest.map(unsent('unsent')),
  ];
  print(options, {
    schema: 'strata.host-command/v1',
    // By its ids only what was sent can be asked for.
    items: [
      ...sent.map((one) => ({ ...one, state: 'sent' })),
      ...(options.quiet === true && options.json !== true ? [] : others),
    ],
    id: ({ actionId }) => actionId ?? '',
    columns: [
      ['ACTION', ({ actionId }) => actionId ?? ''],
      ['HOST', (one) => one.host],
      ['COMMAND', ({ type }) => type],
      ['BLOB', ({ digest }) => digest?.slice(0, 16) ?? ''],
      ['STATE', ({ state }) => state],
    ],
  });
  const doubt = `Whether the plane took the one without an answer is not known: ${told} shows it.`;
  note(`${unanswered ? `${doubt} ` : ''}What is unsent was not tried.`);
}

type Ended = Sent & { readonly action: HostAction | undefined };

function printEnds(ended: readonly Ended[], options: HostOptions): void {
  print(options, {
    schema: 'strata.host-command/v1',
    items: ended.map(({ action, ...sent }) => {
      const hint = action === undefined ? undefined : hostFailureOf(action)?.hint;
      return { ...sent, state: action?.state ?? 'pending', outcome: action?.outcome, hint };
    }),
    id: ({ actionId }) => actionId,
    columns: [...COLUMNS, ['STATE', ({ state }) => state]],
  });
}

function isFailed(action: HostAction | undefined): action is HostAction {
  return hasEnded(action) && action.state !== 'done';
}

function noReceipt(name: string, told: string): CliError {
  const message = `${name} has not said yet what became of it. It does it when it next looks: ${told} shows whether it has; \`strata hosts\` says when it was last heard.`;
  return new CliError({ code: 'no-receipt', message, retryable: true });
}

/** By a plane of an older release: to ask again would send it again, and tell no more. */
function neverTold(): CliError {
  const message =
    'It is sent, but this plane is of an older release and cannot tell what becomes of it. `--no-wait` leaves it at that.';
  return new CliError({ code: 'no-receipt', message, retryable: false });
}
