import { DiskError } from '../shared/ports/disk.ts';

/** The segments of a path of the `Disk` port; `.` has none. Throws `denied` for a path that could leave the root. */
export function diskSegments(path: string): readonly string[] {
  if (path === '.') return [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..' || segment.includes('\0')) {
      throw new DiskError('denied', `A disk path is relative and in its normal form, not ${JSON.stringify(path)}.`);
    }
  }
  return segments;
}
