import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { OperationInput, OperationOutput, Operations } from '../../lib/operations/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import { EpochMs, formatBytes, HOUR_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { notNegative } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { ago, note, print } from '../output.ts';
import { confirm, DRY_RUN, isDry, type MutationOptions, operatorOf, sayDry, withOperator } from './mutation.ts';

type Upload = OperationOutput<'listUploads'>['items'][number];
type Notice = OperationOutput<'listNotices'>['items'][number];

const PAGE = 1000;
const POLL_MS = 2 * SECOND_MS;

/** Adds `strata quarantine` and `strata rescan`. */
export function registerQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('uploads that were refused, and what changed sides');
  withPlane(quarantine.command('ls').description('uploads in quarantine, newest first')).action(runList);
  withPlane(quarantine.command('show').description('the report of one upload: every reason, and how to fix it'))
    .argument('<key>', 'uploads/<name>/<version>/<file>')
    .action(runShow);
  withOperator(
    withPlane(
      quarantine.command('release').description('publish an upload although its verdict or the policy refused it'),
    ),
  )
    .argument('<key>', 'uploads/<name>/<version>/<file>')
    .requiredOption('--reason <text>', 'why; kept with the file')
    .option('--version-id <id>', 'only the version that `show` named: another one that came since is refused')
    .option('--yes', 'do not ask, though it was judged malicious')
    .option(...DRY_RUN)
    .action(runRelease);
  withPlane(quarantine.command('events').description('what was quarantined, withdrawn, restored or released'))
    .option('--since <hours>', 'how far back to begin', notNegative, 24)
    .option('--follow', 'go on with what happens from now on')
    .action(runEvents);
  withPlane(program.command('rescan').description('judge everything again by the rules of today')).action(runRescan);
}

async function runList(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const items: Upload[] = [];
  let nextToken: string | undefined;
  do {
    const input = { state: 'quarantined' as const, limit: PAGE, ...(nextToken === undefined ? {} : { nextToken }) };
    const page = await operations.listUploads(input);
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  print(options, {
    schema: 'strata.upload/v1',
    items,
    id: ({ key }) => key,
    columns: [
      ['KEY', ({ key }) => key],
      ['REASON', ({ quarantine }) => quarantine?.reason ?? ''],
      ['FORMAT', ({ findings }) => findings?.format ?? '', 'spare'],
      ['SIZE', ({ size }) => formatBytes(size), 'spare'],
      ['OBSERVED', ({ observedAt }) => ago(observedAt), 'spare'],
      ['BYTES', bytesOf, 'spare'],
      ['WHY', ({ quarantine }) => quarantine?.text ?? '', 'text'],
    ],
    empty: 'Nothing is in quarantine.',
  });
}

/** Whether its bytes still lie under `uploads/`: without them it cannot be released. */
function bytesOf({ removal }: Upload): string {
  if (removal === undefined) return 'kept';
  return removal.done ? `deleted ${ago(removal.at)}` : 'being deleted';
}

async function runShow(key: string, options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const { uploads } = await operations.explain({ reference: key });
  const items = uploads.filter(({ state }) => state === 'quarantined').flatMap(reasonsOf);
  print(options, {
    schema: 'strata.reason/v1',
    items,
    id: ({ rule }) => rule,
    columns: [
      ['VERSION', ({ versionId }) => versionId],
      ['STATUS', ({ status }) => status],
      ['RULE', ({ rule }) => rule],
      ['OFFSET', ({ offset }) => (offset === undefined ? '' : String(offset))],
      ['WHAT', ({ text }) => text],
      ['FIX', ({ fix }) => fix ?? ''],
    ],
    empty: `Nothing under ${key} is in quarantine.`,
  });
  if (items.length > 0 && options.json !== true && options.quiet !== true)
    note(
      `Its newest version may be published, and no other: strata quarantine release ${key} --version-id VERSION --reason WHY`,
    );
}

function reasonsOf({ key, versionId, quarantine, findings }: Upload) {
  const status = findings?.status ?? 'none';
  const first = { key, versionId, status, rule: quarantine?.reason ?? '', text: quarantine?.text ?? '' };
  const told = (findings?.reasons ?? []).map((reason) => ({ ...first, ...reason, rules: findings?.rules }));
  return told.length === 0 ? [{ ...first, offset: undefined, fix: undefined, rules: findings?.rules }] : told;
}

async function runRelease(
  key: string,
  options: MutationOptions & {
    readonly reason: string;
    readonly versionId?: string;
    readonly by?: string;
    readonly yes?: true;
  },
): Promise<void> {
  const { operations } = await connect(options);
  const by = operatorOf(options);
  let wish: OperationInput<'releaseUpload'> = {
    key,
    versionId: options.versionId,
    reason: options.reason,
    by,
    dryRun: true,
  };
  if (!isDry(options)) {
    if (options.yes !== true) {
      const { versionId, findings } = await release(operations, wish);
      await confirmMalicious(key, findings?.status);
      // Whatever came since then, only what was confirmed is released.
      wish = { ...wish, versionId, rules: findings?.rules };
    }
    wish = { ...wish, dryRun: false };
  }
  const upload = await release(operations, wish);
  print(options, {
    schema: 'strata.upload/v1',
    items: [upload],
    id: (one) => one.key,
    columns: [
      ['KEY', (one) => one.key],
      ['VERSION', ({ versionId }) => versionId, 'spare'],
      ['STATE', ({ state }) => state],
      ['BY', ({ findings }) => findings?.admission?.by ?? by],
      ['REASON', () => options.reason],
    ],
  });
  sayDry(options);
}

async function release(operations: Operations, wish: OperationInput<'releaseUpload'>) {
  try {
    return await operations.releaseUpload(wish);
  } catch (error) {
    // Such a plane names the fields that it does not know.
    const isUnknown = error instanceof StrataError && error.code === 'invalid-input' && /versionId/.test(error.message);
    if (wish.versionId !== undefined && isUnknown)
      note(
        'A plane of an older release cannot be bound to one version: update it, or have it release its newest by --yes without --version-id.',
      );
    throw error;
  }
}

/** Hosts that subscribe to it have it within seconds, and a loader may run it there. */
async function confirmMalicious(key: string, status: string | undefined): Promise<void> {
  if (status !== 'malicious') return;
  const text = `${key} was judged malicious: \`strata quarantine show ${key}\` says why. Once released, every host that subscribes fetches it.`;
  await confirm('malicious', text);
}

async function runEvents(options: PlaneOptions & { readonly since: number; readonly follow?: true }): Promise<void> {
  const { operations } = await connect(options);
  const seen = new Set<string>();
  let since = EpochMs.parse(Math.max(0, Date.now() - Math.round(options.since * HOUR_MS)));
  for (;;) {
    const { items } = await operations.listNotices({ since, limit: PAGE });
    const fresh = items.filter(({ id, at }) => !seen.has(`${at} ${id}`));
    for (const { id, at } of fresh) seen.add(`${at} ${id}`);
    if (fresh.length > 0 || options.follow !== true)
      printNotices(options, fresh, `Nothing changed sides in the last ${options.since} h.`);
    since = items.at(-1)?.at ?? since;
    if (fresh.length > 0) continue;
    if (options.follow !== true) return;
    await pause(POLL_MS);
  }
}

function printNotices(options: PlaneOptions, items: readonly Notice[], empty: string): void {
  if (items.length === 0 && options.json === true) return;
  print(options, {
    schema: 'strata.notice/v1',
    items,
    id: ({ id }) => id,
    columns: [
      ['WHEN', ({ at }) => new Date(at).toISOString()],
      ['CHANGE', ({ change }) => change],
      ['WHAT', ({ upload, model, version }) => upload?.key ?? `${model}@${version}`],
      ['BY', ({ by }) => by ?? '', 'spare'],
      ['REASON', ({ reason, text }) => `${reason}: ${text}`, 'text'],
    ],
    empty,
  });
}

async function runRescan(options: PlaneOptions): Promise<void> {
  const { operations } = await connect(options);
  const started = await operations.startRescan({});
  print(options, {
    schema: 'strata.rescan/v1',
    items: [started],
    id: ({ rescanId }) => rescanId,
    columns: [
      ['RESCAN', ({ rescanId }) => rescanId],
      ['', (one) => (one.started ? 'started' : 'under way')],
    ],
  });
  if (options.json !== true && options.quiet !== true) note('strata quarantine events --follow tells what it changes.');
}
