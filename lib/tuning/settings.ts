import type { HostFile, HostReadings } from './readings.ts';

/** One file of a setting. */
export interface SettingPart {
  /** A path below the root. `*` is any name, `{device}` a device of the store, `{controller}` its NVMe controller. */
  readonly pattern: string;
  /** What it should hold; undefined where `now` is as good. */
  readonly suggest: (now: string, host: HostReadings) => string | undefined;
  /** In order, where it is not undone by writing what it held before. */
  readonly undo?: (now: string, file: HostFile, host: HostReadings) => readonly Written[];
  /** So far from what is suggested that the doctor mentions it. */
  readonly farOff?: (now: string, host: HostReadings) => boolean;
}

export interface Written {
  readonly file: HostFile;
  readonly value: string;
}

/** Files that are changed, measured, kept and undone together. */
export interface Setting {
  readonly id: string;
  readonly why: string;
  readonly source: string;
  readonly risk: string;
  readonly parts: readonly SettingPart[];
}

/** Of the signs that a value is made of: nothing else is written, whatever a file or a journal says. */
export const SETTING_VALUE = /^[A-Za-z0-9_-]+( [A-Za-z0-9_-]+){0,2}$/;

export function atLeast(least: number): (now: string) => string | undefined {
  return (now) => (Number(now) >= least ? undefined : String(least));
}

export function exactly(wanted: string): (now: string) => string | undefined {
  return (now) => (now === wanted ? undefined : wanted);
}

/** By pattern: those of the settings, each for every file of a host. */
const compiled = new Map<string, RegExp>();

/** A pattern as a test of paths. Names begin with no dot, so that nothing leads upwards. */
export function matchesPattern(pattern: string, file: HostFile): boolean {
  const known = compiled.get(pattern) ?? compile(pattern);
  compiled.set(pattern, known);
  return known.test(file);
}

function compile(pattern: string): RegExp {
  const name = String.raw`[A-Za-z0-9_!-][A-Za-z0-9_.!-]*`;
  const source = pattern
    .split(/\*|\{device\}|\{controller\}/)
    .map((piece) => piece.replaceAll('.', String.raw`\.`))
    .join(name);
  return new RegExp(`^${source}$`);
}
