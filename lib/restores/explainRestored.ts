import type { Action, Alternative } from '../catalog/index.ts';
import type { RestoredReason } from '../placement/index.ts';
import { formatBytes, formatUsd } from '../shared/units.ts';
import { restoredFacts } from './decideRestored.ts';

const REASONS: Readonly<Record<RestoredReason, string>> = {
  wished: 'the move that wanted it restored has decided so',
  'sweeps-off':
    'sweeps are off or nothing is in force, and there nothing is charged for reads, and what nobody reads gets cheaper by itself',
  'reads-known': 'its reads are known, and of the classes that are read at once it has the least expected dollars',
  'reads-unknown':
    'its reads are not known, and of the classes that charge neither for reads nor for leaving it has the least expected dollars',
  'archived-later':
    'an archive will cost least once it was read, and of the classes that charge nothing for leaving it has the least expected dollars',
  'new-content': 'the rules take it for new content',
  'read-daily': 'by the rules it is read daily',
  'read-weekly': 'by the rules it is read weekly',
  'young-content': 'by the rules it is young',
  'old-and-rarely-read': 'by the rules it is old and rarely read',
  'archive-age-reached': 'by the rules it is old enough for an archive, and somebody reads it, so that it is kept cold',
  'below-class-minimum': 'it is smaller than what the colder class bills at least',
  occupied: 'the copy that it had before still lies, until it is deleted, in the class that it would go to',
  'read-again': 'the lifecycle preset keeps what is read hot until it is idle again',
};

/** The receipt of where restored bytes went as text, with the dollars of every place. Undefined for another's. */
export function explainRestored(action: Action): string | undefined {
  const facts = restoredFacts(action);
  if (facts === undefined) return undefined;
  const [, to = ''] = action.chosen.split(' ');
  const chosen = action.alternatives.find((one) => one.action === action.chosen);
  const reason = Object.entries(REASONS).find(([name]) => name === chosen?.reason)?.[1];
  const rows = action.alternatives.toSorted((one, other) => one.usd - other.usd).map((one) => row(one, one === chosen));
  const [name = 0, usd = 0] = [0, 1].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return [
    `${facts.digest.slice(0, 12)} (${formatBytes(facts.bytes)}) was brought back from ${facts.storageClass} and ${goes(action, to)}${reason === undefined ? '' : `: ${reason}`}.`,
    ...rows.map(([place = '', amount = '', why = '']) =>
      `${place.padEnd(name)}  ${amount.padStart(usd)}  ${why}`.trimEnd(),
    ),
    `Decided by ${action.policy} for ${new Date(action.decidedAt).toISOString()}.`,
    '',
  ].join('\n');
}

function goes({ state }: Action, to: string): string {
  if (state === 'done') return `went to ${to}`;
  return state === 'pending' ? `goes to ${to}` : `was to go to ${to}`;
}

function row({ action, reason, usd }: Alternative, chosen: boolean): readonly string[] {
  return [`${chosen ? '→' : ' '} ${action}`, formatUsd(usd), chosen ? '' : (reason ?? '')];
}
