import type { Inspection } from '../inspection.ts';

/** Reports a member's name by which extracting the archive would write outside of it, on any system. */
export function checkMemberPath(name: string, inspection: Inspection): void {
  const segments = name.split(/[/\\]/);
  const leaves =
    name === '' ||
    segments[0] === '' ||
    segments.includes('..') ||
    /^[a-zA-Z]:/.test(name) ||
    name.includes('\\') ||
    /\p{Cc}/u.test(name);
  if (leaves) inspection.report('archive.path', `a member is named ${JSON.stringify(name)}`);
}
