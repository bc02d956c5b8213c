import type { Written } from './settings.ts';

/** The first line of every file that is written: only files that begin with it are replaced or removed. */
export const PERSISTED_HEADER = '# Written by `strata tune`; `strata tune --revert` removes it.';

const SYSCTL = 'etc/sysctl.d/90-strata.conf';
const UDEV = 'etc/udev/rules.d/90-strata.rules';
const TMPFILES = 'etc/tmpfiles.d/90-strata.conf';

export interface PersistedFile {
  /** Below the root. */
  readonly file: string;
  readonly text: string;
}

export function isPersistedFile(file: string): boolean {
  return [SYSCTL, UDEV, TMPFILES].includes(file);
}

/** The files that set the same again at each boot: sysctl.d, udev for drives that come and go, tmpfiles.d for the rest of /sys. */
export function planPersistence(written: readonly Written[]): readonly PersistedFile[] {
  const lines = new Map<string, string[]>([SYSCTL, UDEV, TMPFILES].map((file) => [file, []]));
  for (const { file, value } of written) {
    const sysctl = /^proc\/sys\/(.+)$/.exec(file)?.[1];
    const [, device, attribute] = /^sys\/block\/([^/]+)\/(.+)$/.exec(file) ?? [];
    if (sysctl !== undefined) lines.get(SYSCTL)?.push(`${sysctl.replaceAll('/', '.')} = ${value}`);
    else if (device !== undefined) {
      lines.get(UDEV)?.push(`ACTION=="add|change", KERNEL=="${device}", ATTR{${attribute}}="${value}"`);
    } else lines.get(TMPFILES)?.push(`w /${file} - - - - ${value}`);
  }
  return [...lines]
    .filter(([, rules]) => rules.length > 0)
    .map(([file, rules]) => ({ file, text: [PERSISTED_HEADER, ...rules, ''].join('\n') }));
}
