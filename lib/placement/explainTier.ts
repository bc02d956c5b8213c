import { bookName, decidingBook } from '../pricing/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import { formatCount } from '../shared/formatCount.ts';
import type { TierRules } from '../shared/tierSettings.ts';
import { DAY_MS, type EpochMs, formatBytes, formatUsd, Usd } from '../shared/units.ts';
import { classInstead } from './classes.ts';
import { probabilityOfNoRead } from './demand.ts';
import { outlookUsd } from './dollarPolicy.ts';
import { forecastOf } from './dollarTier.ts';
import { explainPacking } from './explainPacking.ts';
import { placeName, placesOf } from './policyDiff.ts';
import type { Rates } from './rates.ts';
import { storedBytes, type TierFacts } from './tierFacts.ts';
import { type TemperatureReason, TIER_RULES } from './tierRules.ts';
import { chosenAlternative, type TierAlternative, type TierDecision, type TierPolicy } from './tierTypes.ts';

/** What each reason means, in words for people who do not know the code. */
const REASONS: Record<Exclude<TierDecision['reason'], TemperatureReason>, string> = {
  'already-there': 'it already is where the rules want it',
  held: 'something needs it where it is',
  'held-at-a-loss':
    'something needs it where it is, though what it costs there, or may still cost, speaks for moving it home',
  'minimum-duration': 'its class is paid for until the minimum duration ends, so moving now would pay twice',
  'below-class-minimum': 'it is smaller than what the colder class bills at least',
  'no-cheaper-class': 'no other class is expected to cost less, moving included',
  'allowance-spent':
    'another class is expected to cost less, but if the forecast is wrong the loss is not covered by earlier savings',
  cheaper: 'it is the class with the least expected dollars, moving included',
  'risk-ended':
    'what it may still lose elsewhere, if its forecast is wrong, is not covered by earlier savings any more',
  'fees-exceed-move': 'it was read so often that its class has cost as much more than the other one as moving costs',
  promise: 'it is packed, and its readers were promised less than unpacking takes',
  compressible:
    'it is large and gets much smaller, nobody has read it for long, and its readers can wait for the unpacking',
  'cheaper-packed': 'packed it has the least expected dollars, packing included',
  'restore-too-slow': 'a restore from the archive would take longer than was promised',
  abandoned: 'hardly anybody has ever read it, nobody has for long, and it must be retained',
  'expiry-not-allowed':
    'hardly anybody has ever read it and nobody has for long; nothing needs its version, but nobody has allowed its delete',
  'rarely-read': 'it is hardly read, and nobody has read it for weeks',
  expires:
    'hardly anybody has ever read it and nobody has for long, and nothing needs its version: the end of the sweep deletes that, and it can be brought back for a week',
  'still-read': 'it is read too often, or is too young, for the lifecycle preset',
};

/** By the rules, with their thresholds. */
function temperatureText(reason: TemperatureReason, rules: TierRules): string {
  const { archiveAgeDays, hotPerDay, newContentDays, warmAgeDays, warmPerDay } = rules;
  switch (reason) {
    case 'new-content':
      return `it is younger than ${formatCount(newContentDays, 'day')}, and new content starts hot`;
    case 'read-daily':
      return `hosts have opened it at least ${formatCount(hotPerDay, 'time')} a day over 30 days`;
    case 'read-weekly':
      return `hosts have opened it at least ${formatCount(warmPerDay, 'time')} a day over 30 days`;
    case 'young-content':
      return `it is younger than ${formatCount(warmAgeDays, 'day')}`;
    case 'old-and-rarely-read':
      return `it is older than ${formatCount(warmAgeDays, 'day')}, and hosts have opened it less than ${formatCount(warmPerDay, 'time')} a day over 30 days`;
    case 'archive-age-reached':
      return `it is older than ${formatCount(archiveAgeDays, 'day')}, and no host has opened it for ${warmAgeDays}`;
  }
}

function reasonText(reason: TierDecision['reason'], policy: TierPolicy): string {
  if (!isTemperatureReason(reason)) return REASONS[reason];
  return temperatureText(reason, policy.kind === 'rules' ? policy : TIER_RULES);
}

function isTemperatureReason(reason: TierDecision['reason']): reason is TemperatureReason {
  return !Object.hasOwn(REASONS, reason);
}

/** A decision as text: what, why, on what forecast, and the dollars of every alternative. Deterministic. */
export function explainTier(
  decision: TierDecision,
  facts: TierFacts,
  policy: TierPolicy,
  rates: Rates,
  now: EpochMs,
): string {
  const promised = decision.alternatives.filter((one) => policy.kind !== 'dollars' || one.outlook !== undefined);
  const broken = decision.alternatives.filter((one) => !promised.includes(one)).map((one) => nameOf(one, facts));
  const rows = promised.map((one) => row(one, decision, facts, policy));
  const header = policy.kind === 'dollars' ? DOLLAR_HEADER : RULE_HEADER;
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [
    `${facts.digest.slice(0, 12)} (${sizeOf(facts)}) ${whatOf(decision, facts)}: ${reasonText(decision.reason, policy)}.`,
    demand(facts, policy, now),
    ...(decision.missing === undefined ? [] : [missing(decision.missing, rates)]),
    ...explainPacking(decision, facts, rates),
    '',
    line(header),
    ...rows.map(line),
    ...(decision.riskUsd === undefined ? [] : ['', risk(facts, decision.riskUsd)]),
    ...(broken.length > 0 ? [`  ${broken.join(', ')}: readers would wait longer than was promised`] : []),
    '',
    decision.freeMoveAt > now
      ? `Leaving ${decision.from} before ${date(decision.freeMoveAt)} charges the rest of its minimum duration.`
      : `Leaving ${decision.from} charges nothing for its minimum duration.`,
    `Decided by ${decision.policyVersion} for ${new Date(now).toISOString()}.`,
    '',
  ].join('\n');
}

const RULE_HEADER = ['class', 'a month', 'moving', 'early deletion'];
const DOLLAR_HEADER = ['class', 'storage', 'reads', 'GPU wait', 'early deletion', 'moving', 'expected'];

function sizeOf(facts: TierFacts): string {
  const size = formatBytes(facts.bytes);
  return facts.packing?.packed === true ? `${size}, packed ${formatBytes(storedBytes(facts))}` : size;
}

function whatOf(decision: TierDecision, facts: TierFacts): string {
  const { from, to } = placesOf(decision, facts);
  if (decision.action === 'keep') return `stays in ${placeName(from)}`;
  const move = decision.from === decision.to ? `in ${decision.from}` : `from ${decision.from} to ${decision.to}`;
  if (decision.action === 'pack') return `is packed ${move}`;
  return decision.action === 'unpack' ? `is unpacked ${move}` : `moves from ${placeName(from)} to ${placeName(to)}`;
}

function nameOf({ action, storageClass }: TierAlternative, { packing }: TierFacts): string {
  const packed = packing?.packed === true ? action !== 'unpack' : action === 'pack';
  return placeName({ storageClass, packed });
}

function row(one: TierAlternative, decision: TierDecision, facts: TierFacts, policy: TierPolicy): string[] {
  const name = `${one === chosenAlternative(decision) ? '→' : ' '} ${nameOf(one, facts)}`;
  const usd = (value: number): string => formatUsd(Usd.parse(value));
  if (policy.kind !== 'dollars') return [name, usd(one.usdPerMonth), usd(one.moveUsd), usd(one.earlyDeletionUsd)];
  if (one.outlook === undefined) return [name];
  const { storageUsd, retrievalUsd, gpuWaitingUsd, earlyDeletionUsd } = one.outlook;
  return [
    name,
    usd(storageUsd),
    usd(retrievalUsd),
    usd(gpuWaitingUsd),
    usd(earlyDeletionUsd + one.earlyDeletionUsd),
    usd(one.moveUsd),
    usd(outlookUsd(one.outlook) + one.earlyDeletionUsd + one.moveUsd),
  ];
}

/** A rule whose class is not to be had. */
function missing(named: StorageClass, rates: Rates): string {
  const instead = classInstead(named, rates);
  const book = decidingBook(rates.prices);
  const unpriced = book === undefined ? '' : ` or ${bookName(book)} does not price`;
  return `The rules name ${named}, which this store has not${unpriced}: ${instead} is the next that is cheaper to read.`;
}

function demand(facts: TierFacts, policy: TierPolicy, now: EpochMs): string {
  const read = past(facts);
  if (policy.kind !== 'dollars') return `${read}.`;
  const { forecast, horizonMs } = forecastOf(facts, policy, now);
  const where = facts.bucketReads === undefined ? '' : ' of the bucket';
  const soon = percent(1 - probabilityOfNoRead(forecast, 30 * DAY_MS));
  const ever = percent(1 - probabilityOfNoRead(forecast, horizonMs));
  const basis = facts.knownReadsPerDay === undefined ? `Its past reads${where} say` : 'It is known';
  return `${read}. ${basis} that a read${where} comes within 30 days with ${soon}, within ${horizonMs / DAY_MS} days with ${ever}. Dollars are until then.`;
}

/** Opens on hosts, and those of them that read the bucket; older facts do not tell them apart. */
function past({ accessesLast30Days, bucketReads, createdAt, lastAccessAt }: TierFacts): string {
  if (bucketReads === undefined) {
    if (lastAccessAt === undefined) return `It was never read since ${date(createdAt)}`;
    return `It was last read on ${date(lastAccessAt)}, ${formatCount(accessesLast30Days, 'time')} in the last 30 days`;
  }
  if (lastAccessAt === undefined) return `No host has opened it since ${date(createdAt)}`;
  const { last30Days, lastAt } = bucketReads;
  const opened = `Hosts last opened it on ${date(lastAccessAt)}, ${formatCount(accessesLast30Days, 'time')} in the last 30 days`;
  if (lastAt === undefined) return `${opened}, and never read it from the bucket`;
  return `${opened}; the bucket was last read on ${date(lastAt)}, ${formatCount(last30Days, 'time')} in the last 30 days`;
}

/** What is put at risk on a forecast that was only learned, and of what. */
function risk(facts: TierFacts, usd: Usd): string {
  const may = Usd.parse((facts.slackUsd ?? 0) + (facts.atRisk?.reservedUsd ?? 0));
  const reserved = Usd.parse(Math.max(0, usd));
  return `Nobody promised its reads: it may lose ${formatUsd(reserved)} against Intelligent-Tiering, of ${formatUsd(may)} that the account allows.`;
}

function percent(part: number): string {
  return `${Number((100 * part).toPrecision(2))} %`;
}

function date(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
