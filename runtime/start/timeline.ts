import { formatBytes } from '../../lib/shared/units.ts';
import type { Milestone } from './follow.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { printableLine } from '../../lib/shared/printable.ts';

export interface Timeline {
  /** One line: seconds since the start, what it is about, what happened. */
  tell(subject: string, stage: string, text: string): void;
  say(text: string): void;
}

export function createTimeline(write: (line: string) => void, now: () => number): Timeline {
  const start = now();
  return {
    tell(subject, stage, text) {
      const seconds = ((now() - start) / 1000).toFixed(2).padStart(7);
      write(printableLine(`${seconds} s  ${subject.padEnd(24)} ${stage.padEnd(12)} ${text}`.trimEnd()));
    },
    say: write,
  };
}

export function describeUploaded(size: number): string {
  return formatBytes(size);
}

/** What a milestone says to people. */
export function describeMilestone(milestone: Milestone): string {
  switch (milestone.stage) {
    case 'verdict': {
      const findings = milestone.upload.findings;
      if (findings === undefined) return '';
      const facts = [findings.format, findings.kind, findings.family, formatCount(findings.tensors ?? 0, 'tensor')];
      return `${findings.status}: ${facts.filter((fact) => fact !== undefined).join(', ')}`;
    }
    case 'quarantined': {
      const { quarantine } = milestone.upload;
      return quarantine === undefined ? '' : `${quarantine.reason}: ${quarantine.text}`;
    }
    case 'cancelled':
      return 'the object was deleted or replaced';
    case 'published':
      return `as blobs/${milestone.digest.slice(0, 16)}…`;
    case 'not-cached':
      return `on ${milestone.host}: it may not fit there; \`strata explain\` tells more`;
    case 'placed':
    case 'cached':
      return `on ${milestone.host}`;
  }
}
