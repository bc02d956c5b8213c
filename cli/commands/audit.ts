import type { Command } from 'commander';
import type { OperationOutput, Operations } from '../../lib/operations/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import type { EpochMs } from '../../lib/shared/units.ts';
import { moment } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { FindingsError } from '../errors.ts';
import { note, print } from '../output.ts';

type Entry = OperationOutput<'showAudit'>['items'][number];

const PAGE = 1000;
const DIGEST = /^[0-9a-f]{64}$/;
const EXACT = /^[^@/]+@\d+\.\d+\.\d+/;

/** Adds `strata audit`: the history of every verdict, and whether anybody changed it. */
export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('who decided what about a file, when and why; and whether that was changed');
  withPlane(audit.command('show', { isDefault: true }).description('the history of an object'))
    .argument('<object>', 'uploads/<name>/<version>/<file>, a digest, or <name>@<version> with all of its files')
    .action(runShow);
  withPlane(audit.command('verify').description('recompute every chain and seal; exit 1 at the first broken entry'))
    .option('--since <when>', 'trust the seals before this moment (2026-11-20, 2026-11-20T22:00:00Z)', moment)
    .action(runVerify);
}

async function runShow(object: string, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const items: Entry[] = [];
  for (const one of await objectsOf(operations, object)) items.push(...(await history(operations, one)));
  items.sort((a, b) => a.at - b.at || a.number - b.number);
  print(options, {
    schema: 'strata.audit-entry/v1',
    items,
    id: (entry) => `${entry.object} ${entry.number}`,
    columns: [
      ['WHEN', ({ at }) => new Date(at).toISOString()],
      ['OBJECT', (entry) => shortened(entry.object), 'text'],
      ['NO', ({ number }) => String(number)],
      ['ACTION', ({ action }) => action],
      ['VERDICT', ({ verdict }) => verdict?.status ?? ''],
      ['RULES', ({ verdict }) => verdict?.rules ?? '', 'spare'],
      ['BY', ({ by }) => by.name, 'spare'],
      ['SEALED', ({ sealed }) => (sealed ? 'yes' : 'not yet'), 'spare'],
      ['WHY', ({ reason, text }) => [reason, text].filter((part) => part !== undefined).join(': '), 'text'],
    ],
    empty: `Nothing was ever decided about ${object}. Names are as in \`strata ls\` and \`strata quarantine ls\`.`,
  });
}

/** A version is its own history, and that of its files as they were uploaded and as they are stored. */
async function objectsOf(operations: Operations, object: string): Promise<readonly string[]> {
  if (DIGEST.test(object)) return [`blobs/${object}`];
  if (object.includes('/')) return [object];
  try {
    const { files } = await operations.showVersion({ reference: object });
    const found = files.flatMap(({ model, version, file, digest }) => [
      `${model}@${version}`,
      `uploads/${model}/${version}/${file}`,
      `blobs/${digest}`,
    ]);
    return [...new Set(found)];
  } catch (error) {
    // A version that was deleted, or never published, may have a history all the same.
    if (EXACT.test(object) && error instanceof StrataError && error.code.startsWith('unknown-')) return [object];
    throw error;
  }
}

async function history(operations: Operations, object: string): Promise<readonly Entry[]> {
  const items: Entry[] = [];
  let nextToken: string | undefined;
  do {
    const page = await operations.showAudit({ object, limit: PAGE, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return items;
}

function shortened(object: string): string {
  return object.startsWith('blobs/') ? object.slice(0, 'blobs/'.length + 12) : object;
}

async function runVerify(options: PlaneOptions & { readonly since?: EpochMs }): Promise<void> {
  const { operations } = await connect(options);
  const { since } = options;
  const found = await operations.verifyAudit(since === undefined ? {} : { since });
  const { broken, ...counts } = found;
  print(options, {
    schema: 'strata.audit-verification/v1',
    items: [{ whole: broken === undefined, ...counts, ...(broken === undefined ? {} : { broken }) }],
    id: ({ whole }) => (whole ? 'whole' : 'broken'),
    columns: [
      ['TRAIL', ({ whole }) => (whole ? 'whole' : 'BROKEN')],
      ['SEALS', ({ seals }) => String(seals)],
      ['OBJECTS', ({ objects }) => String(objects)],
      ['ENTRIES', ({ entries }) => String(entries)],
      ['UNSEALED', ({ unsealed }) => String(unsealed)],
    ],
  });
  if (broken === undefined) return;
  note(`${broken.text} Runbook: docs/runbooks/audit.md`);
  throw new FindingsError('the audit trail is broken');
}
