import { PlacementError } from './errors.ts';

/** What each threshold of a preset may be, both included. */
export type ThresholdRanges<Name extends string> = { readonly [one in Name]: readonly [least: number, most: number] };

/**
 * A preset with other thresholds, from a text such as `deleteAfterIdleDays=180,coldAfterIdleDays=60`; its version names those that differ.
 * Throws `PlacementError` `bad-rules`.
 */
export function withThresholds<Name extends string, Rules extends { readonly [one in Name]: number }>(
  preset: Rules & { readonly version: string },
  ranges: ThresholdRanges<Name>,
  text: string,
): Rules {
  const isThreshold = (name: string): name is Name => Object.hasOwn(ranges, name);
  const named = new Map<Name, number>();
  for (const part of text === '' ? [] : text.split(',')) {
    const [, name = '', number = ''] = /^([a-zA-Z]+)=(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (!isThreshold(name) || named.has(name)) throw badThreshold(part, ranges);
    const [least, most] = ranges[name];
    if (Number(number) < least || Number(number) > most) throw badThreshold(part, ranges);
    named.set(name, Number(number));
  }
  const others = [...named].filter(([name, value]) => value !== preset[name]);
  if (others.length === 0) return preset;
  others.sort(([one], [other]) => (one < other ? -1 : 1));
  const version = `${preset.version}(${others.map((pair) => pair.join('=')).join(',')})`;
  return { ...preset, ...Object.fromEntries(others), version };
}

function badThreshold(part: string, ranges: ThresholdRanges<string>): PlacementError {
  const names = Object.entries(ranges).map(([name, [least, most]]) => `${name} (${least} to ${most})`);
  return badRules(`\`${part}\` is no threshold. Write name=number,… with each at most once of ${names.join(', ')}.`);
}

export function badRules(message: string): PlacementError {
  return new PlacementError({ code: 'bad-rules', message, retryable: false });
}
