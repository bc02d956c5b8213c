import { adviceOf } from './advice.ts';
import { DEVICE_SETTINGS } from './deviceSettings.ts';
import type { Change, Finding } from './findings.ts';
import { KERNEL_SETTINGS } from './kernelSettings.ts';
import { choicesOf, chosenOf, type FileReading, type HostFile, type HostReadings } from './readings.ts';
import { matchesPattern, type Setting, type SettingPart, type Written } from './settings.ts';

export const SETTINGS: readonly Setting[] = [...KERNEL_SETTINGS, ...DEVICE_SETTINGS];

/** Whether a file is one that some setting writes, or undoes by. */
export function isSettingFile(file: HostFile): boolean {
  if (file === 'proc/sys/vm/dirty_ratio' || file === 'proc/sys/vm/dirty_background_ratio') return true;
  return SETTINGS.some(({ parts }) => parts.some(({ pattern }) => matchesPattern(pattern, file)));
}

/** One finding for each setting, in the order of `SETTINGS`, and then what is advised beside them. */
export function judgeHostSettings(host: HostReadings): readonly Finding[] {
  return [...SETTINGS.map((setting) => judgeSetting(setting, host)), ...adviceOf(host)];
}

interface Found {
  readonly part: SettingPart;
  readonly file: HostFile;
  readonly reading: FileReading;
  readonly now: string;
}

function judgeSetting(setting: Setting, host: HostReadings): Finding {
  const { id, why, source, risk } = setting;
  const said = { setting: id, why, source, risk };
  const found: readonly Found[] = setting.parts.flatMap((part) =>
    [...host.files]
      .filter(([file]) => matchesPattern(part.pattern, file))
      .map(([file, reading]) => ({ part, file, reading, now: chosenOf(reading.text) })),
  );
  const now = listOf(found.map((one) => one.now));
  const changes = found.flatMap((one) => changeOf(one, host));
  if (found.length === 0) return { ...said, status: 'absent', now: '', suggested: '', farOff: false, changes: [] };
  if (changes.length === 0) return { ...said, status: 'right', now, suggested: now, farOff: false, changes };
  const denied = found.some(
    ({ file, reading }) => reading.access !== 'writable' && changes.some((c) => c.file === file),
  );
  return {
    ...said,
    status: denied ? 'denied' : 'differs',
    now,
    suggested: listOf(found.map((one) => changes.find(({ file }) => file === one.file)?.value ?? one.now)),
    command: changes.map(commandFor).join(' && '),
    farOff: found.some(({ part, now: text }) => part.farOff?.(text, host) ?? false),
    changes,
  };
}

function changeOf({ part, file, reading, now }: Found, host: HostReadings): readonly Change[] {
  const value = part.suggest(now, host);
  if (value === undefined || choicesOf(reading.text)?.includes(value) === false) return [];
  return [{ file, value, undo: part.undo?.(now, file, host) ?? [{ file, value: now }] }];
}

/** Many devices and processors mostly say the same. */
function listOf(values: readonly string[]): string {
  return [...new Set(values)].join(' · ');
}

/** For a root shell. */
function commandFor({ file, value }: Written): string {
  const key = /^proc\/sys\/(.+)$/.exec(file)?.[1];
  return key === undefined ? `echo ${value} > /${file}` : `sysctl -w ${key.replaceAll('/', '.')}='${value}'`;
}
