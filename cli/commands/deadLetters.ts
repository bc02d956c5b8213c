import type { Command } from 'commander';
import { positiveInteger } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { print } from '../output.ts';
import { DRY_RUN, isDry, type MutationOptions, sayDry } from './mutation.ts';

/** What fits beside a message's id on a terminal; `--json` has all of it. */
const SHOWN_CHARACTERS = 400;

/** Adds `strata dlq`. */
export function registerDeadLetters(program: Command): void {
  const dlq = program.command('dlq').description('messages that failed too often');
  const columns = [
    ['QUEUE', ({ queue }: { queue: string }) => queue],
    ['MESSAGES', ({ messages }: { messages: number }) => String(messages)],
  ] as const;
  withPlane(dlq.command('list').description('dead-letter queues and how many messages each holds'))
    .argument('[queue]', 'only this one, by its name or that of the queue that it belongs to')
    .action(async (queue: string | undefined, options: PlaneOptions) => {
      const { operations } = await connect(options);
      const all = (await operations.listDeadLetters({})).items;
      const items = queue === undefined ? all : all.filter((one) => isOf(one, queue));
      if (items.length === 0) throw noDeadLetters(queue ?? '', all);
      print(options, { schema: 'strata.dead-letters/v1', items, id: (one) => one.queue, columns });
    });
  withPlane(dlq.command('show').description('what messages say, without secrets; they stay where they are'))
    .argument('<queue>', 'as `dlq list` names it, or the queue that it belongs to')
    .option('--max <n>', 'at most so many, 100 at the most', positiveInteger, 10)
    .action(runShow);
  withPlane(dlq.command('redrive').description('move messages back to where they failed; safe to repeat'))
    .argument('<queue>', 'as `dlq list` names it, or the queue that it belongs to')
    .option('--max <n>', 'at most so many', positiveInteger, 1000)
    .option(...DRY_RUN)
    .action(async (queue: string, options: MutationOptions & { readonly max: number }) => {
      const { operations } = await connect(options);
      const moved = await operations.redriveDeadLetters({ queue, max: options.max, dryRun: isDry(options) });
      print(options, { schema: 'strata.dead-letters/v1', items: [moved], id: (one) => String(one.messages), columns });
      sayDry(options);
    });
}

async function runShow(queue: string, options: PlaneOptions & { readonly max: number }): Promise<void> {
  const { operations } = await connect(options);
  const { items } = await operations.showDeadLetters({ queue, max: options.max });
  print(options, {
    schema: 'strata.dead-letter/v1',
    items,
    id: ({ messageId }) => messageId,
    columns: [
      ['MESSAGE', ({ messageId }) => messageId],
      ['FROM', ({ source }) => source ?? ''],
      ['BODY', ({ body }) => shortened(typeof body === 'string' ? body : JSON.stringify(body)), 'text'],
    ],
    empty: `${queue} holds no message that can be looked at now.`,
  });
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (--json shows all)`;
}

/** By its own name, that of a queue which leads to it, or what stands before its ending. */
function isOf({ queue, sources }: { queue: string; sources: readonly string[] }, name: string): boolean {
  return queue === name || sources.includes(name) || queue.replace(/-dlq$/, '') === name;
}

function noDeadLetters(queue: string, all: readonly { readonly queue: string }[]): CliError {
  const known = all.map((one) => one.queue).join(', ');
  const message = `There is no dead-letter queue for ${queue}. There are: ${known}.`;
  return new CliError({ code: 'unknown-queue', message, retryable: false });
}
