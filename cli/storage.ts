import type { OperationOutput, Operations } from '../lib/operations/index.ts';
import { StrataError } from '../lib/shared/errors.ts';
import { formatUsd, Usd } from '../lib/shared/units.ts';
import type { Column } from './fitTable.ts';
import { note, type OutputOptions, table, tell } from './output.ts';

export type Storage = OperationOutput<'showStorage'>['items'][number];

/** How the files of a version are stored; none where that has no price, which is told and holds nothing else up. */
export async function storageOf(operations: Operations, reference: string): Promise<readonly Storage[]> {
  try {
    return (await operations.showStorage({ reference })).items;
  } catch (error) {
    if (!(error instanceof StrataError) || error.code !== 'unknown-price') throw error;
    note(error.message);
    return [];
  }
}

/** A table for people, and the rules that hold for all of it; `--json` has the same members in each file's record. */
export function printStorage(options: OutputOptions, items: readonly Storage[]): void {
  const [first] = items;
  if (options.json === true || options.quiet === true || first === undefined) return;
  const columns: readonly Column[] = [
    ['FILE', 'text'],
    ['PRIMARY', 'spare'],
    ['NEXT', 'text'],
    ['READS IN 30 DAYS', 'spare'],
    ['STORAGE', 'spare'],
    ['READS', 'spare'],
    ['HOSTS', 'spare'],
    'A MONTH',
  ];
  const rows = items.map(({ cost, file, next, primary, reads }) => [
    file,
    primary.location,
    next.to === undefined ? `stays: ${next.reason}` : `${next.action} ${next.to}: ${next.reason}`,
    `${+reads.next30Days.toPrecision(2)} ${reads.basis}`,
    formatUsd(cost.storageUsd),
    formatUsd(Usd.parse(cost.requestUsd + cost.retrievalUsd)),
    formatUsd(cost.hostUsd),
    formatUsd(cost.usdPerMonth),
  ]);
  const { basis, name, rules, sweep, version } = first.policy;
  const carried = `, ${basis}${sweep === undefined ? '' : `, sweep ${sweep}`}`;
  const kept = [
    ...(first.hold === undefined ? [] : [`held: ${first.hold}`]),
    ...(first.retainUntil === undefined ? [] : [`retained until ${new Date(first.retainUntil).toISOString()}`]),
  ];
  process.stdout.write(`\n${table(columns, rows)}`);
  tell(`\nPolicy ${name} (${version}${carried}):\n${[...kept, ...rules].map((rule) => `  ${rule}\n`).join('')}`);
}
