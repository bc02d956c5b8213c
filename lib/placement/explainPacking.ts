import { formatBytes, formatUsd, SECOND_MS, Usd } from '../shared/units.ts';
import { unpackUsd, unpackWaitMs } from './packing.ts';
import type { Rates } from './rates.ts';
import type { TierFacts } from './tierFacts.ts';
import type { NotPackedReason, TierDecision } from './tierTypes.ts';

const NEVER_READ = 'no host has opened it yet, and it was put there too lately for the rule';
const REASONS: Record<NotPackedReason, string> = {
  held: 'something needs it as it is',
  'read-often': 'it is read too often for that',
  promise: 'readers would wait longer than was promised',
  archived: 'bytes in an archive cannot be packed',
  small: 'it is too small for the rule',
  'hardly-smaller': 'it gets too little smaller for the rule',
  'not-idle': 'it was read too lately for the rule',
  'minimum-duration': 'its class is paid for as it is until the minimum duration ends',
  'costs-more': 'that is expected to cost more than it saves',
  'read-unexpectedly': 'by the reads of the last month, more than were said, it would have cost more than it saves',
  'reads-unknown': 'nobody has said how often it is read',
};

/** What packing means for one object, in a sentence: what it saves, what a read takes then, and why it is not done. */
export function explainPacking({ notPacked }: TierDecision, facts: TierFacts, rates: Rates): string[] {
  const { bytes, lastAccessAt, packing } = facts;
  if (packing === undefined) return [];
  const wait = duration(unpackWaitMs(bytes, packing.terms));
  const usd = formatUsd(Usd.parse(unpackUsd(bytes, packing, rates)));
  const read = `a read unpacks it first, which takes about ${wait} and ${usd}`;
  const size = `${formatBytes(packing.bytes)}, ${Number(((100 * packing.bytes) / bytes).toPrecision(2))} % of its bytes`;
  if (packing.packed) return [`It is packed to ${size}: ${read}.`];
  if (notPacked === undefined) return [`Packed it would take ${size}, without loss, and ${read}.`];
  const why = notPacked === 'not-idle' && lastAccessAt === undefined ? NEVER_READ : REASONS[notPacked];
  return [`Packed it would take ${size}, without loss, and ${read}. It is not packed: ${why}.`];
}

function duration(ms: number): string {
  const seconds = Math.round(ms / SECOND_MS);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
