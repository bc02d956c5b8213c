import type { Action } from '../catalog/index.ts';
import { formatBytes, formatUsd } from '../shared/units.ts';
import { type EndFacts, recordedEnd } from './decideEnd.ts';
import { formatCount } from '../shared/formatCount.ts';

/** The receipt of a delete as text: what went, what was looked at, what it cost and saves, what became of it. Undefined for another's. */
export function explainDelete(action: Action): string | undefined {
  const recorded = action.type === 'delete' ? recordedEnd(action.inputs) : undefined;
  if (recorded === undefined) return undefined;
  const { facts } = recorded;
  const usdOf = (name: string) => action.alternatives.find((one) => one.action === name)?.usd;
  const [once, monthly] = [usdOf('delete'), usdOf('keep')];
  return [
    `${facts.digest.slice(0, 12)} (${formatBytes(facts.bytes)} in ${facts.storageClass}) ${becameOf(action)}.`,
    windowOf(facts),
    needsOf(facts),
    removed(facts),
    ...(once === undefined || monthly === undefined
      ? []
      : [`Deleting charges ${formatUsd(once)} once, for early deletion; keeping it ${formatUsd(monthly)} each month.`]),
    `Decided by ${action.policy} for ${time(action.decidedAt)}.`,
    '',
  ].join('\n');
}

function becameOf({ chosen, state, outcome }: Action): string {
  if (state === 'pending') return 'is being deleted';
  if (chosen === 'keep') return `was not deleted: ${outcome?.text ?? 'nothing says why'}`;
  if (state === 'failed') return `was deleted, perhaps not all of it: ${outcome?.text ?? 'nothing says why'}`;
  return outcome === undefined ? 'was deleted' : `was deleted; at ${time(outcome.at)} all of it was gone`;
}

function windowOf({ version, unreferencedAt }: EndFacts): string {
  if (version === undefined)
    return `No version has referred to it since ${time(unreferencedAt ?? 0)}: it was never published.`;
  const { deletedAt, purgeAfter, hold, retainUntil } = version;
  const held = hold === undefined ? 'no legal hold' : `a legal hold (${hold.reason})`;
  const retained = retainUntil === undefined ? 'no retention' : `a retention until ${time(retainUntil)}`;
  return `${version.model}@${version.version} was deleted at ${time(deletedAt)} and could be brought back until ${time(purgeAfter)}; ${held} and ${retained} stood against it.`;
}

function needsOf({ version, references, copies }: EndFacts): string {
  const others = references.filter((one) => one.model !== version?.model || one.version !== version.version);
  const hosts = copies.filter(({ host }) => host !== undefined);
  return `Looked at in that moment: ${formatCount(references.length, 'reference')}, ${others.length} of them of other versions; ${formatCount(copies.length, 'copy', 'copies')}, ${hosts.length} of them on hosts.`;
}

function removed({ objects }: EndFacts): string {
  if (objects.length === 0) return 'The bucket had nothing of it.';
  const of = objects.map(({ object, versionId, size, etag }) => {
    return `  ${object === 'bytes' ? 'its bytes' : 'its part manifest'}: version ${versionId}, ${formatBytes(size)}, ETag ${etag}`;
  });
  return ['Judged, and removed only as they were:', ...of].join('\n');
}

function time(at: number): string {
  return new Date(at).toISOString();
}
