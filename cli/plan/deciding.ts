import { InvalidArgumentError } from 'commander';
import { parseLifecycleRules, parseTierRules } from '../../lib/placement/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { ExpiryMode, SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';
import type { TierSettings } from '../../lib/shared/tierSettings.ts';
import type { Deciding } from '../../lib/tiering/index.ts';

export const IN_FORCE = 'in-force';
const WANTED = 'wanted';

/** What `parseDeciding` takes, for the help. */
export const DECIDING_SYNTAX = `${IN_FORCE}, ${WANTED} (configured, and not in force yet) or ${TierPolicyName.options.join(', ')}; with other settings as lifecycle:lifecycleDeletes=on,coldAfterIdleDays=60`;

/** What the words of an operator stand for now. */
interface Known {
  readonly inForce: (policy: TierPolicyName | undefined) => Promise<Deciding>;
  /** In words where nothing waits. */
  readonly wanted: () => Promise<Deciding | string>;
}

/**
 * What decides, as an operator would configure it: a policy's name with its settings in force, or with others behind a colon, of which thresholds
 * stand for all of the policy's, as in `tierRules` and `lifecycleRules`.
 */
export async function parseDeciding(text: string, known: Known): Promise<Deciding> {
  const [name = '', ...rest] = text.split(':');
  const base = await named(text, name, known);
  if (rest.length === 0) return { policy: base.policy, settings: base.settings };
  return { policy: base.policy, settings: withOthers(base, text, rest.join(':').split(',')) };
}

async function named(text: string, name: string, { inForce, wanted }: Known): Promise<Deciding> {
  if (name === IN_FORCE) return inForce(undefined);
  if (name === WANTED) {
    const waits = await wanted();
    if (typeof waits === 'string') throw wrong(text, waits);
    return waits;
  }
  const policy = TierPolicyName.safeParse(name);
  if (!policy.success) throw wrong(text, `${name} is none of them`);
  return inForce(policy.data);
}

function withOthers({ policy, settings }: Deciding, text: string, parts: readonly string[]): TierSettings {
  const others: Partial<TierSettings> = {};
  const thresholds: string[] = [];
  for (const part of parts) {
    const [name, value = ''] = part.split('=');
    switch (name) {
      case 'lifecycleDeletes':
        others.lifecycleDeletes = oneOf(ExpiryMode.options, value, text, name);
        break;
      case 'tierPacking':
        others.tierPacking = oneOf(SweepMode.options, value, text, name);
        break;
      case 'packAboveBytes':
        others.packAboveBytes = number(value, text, name);
        break;
      case 'packBelowPercent':
        others.packBelowRatio = number(value, text, name) / 100;
        break;
      default:
        thresholds.push(part);
    }
  }
  if (thresholds.length === 0) return { ...settings, ...others };
  if (policy === 'dollars') throw wrong(text, `${thresholds.join(',')} is no setting of it`);
  try {
    const rules =
      policy === 'rules'
        ? { tierRules: parseTierRules(thresholds.join(',')) }
        : { lifecycleRules: parseLifecycleRules(thresholds.join(',')) };
    return { ...settings, ...others, ...rules };
  } catch (error) {
    throw wrong(text, errorText(error));
  }
}

function oneOf<Name extends string>(names: readonly Name[], value: string, text: string, what: string): Name {
  const found = names.find((one) => one === value);
  if (found === undefined) throw wrong(text, `${what} is one of ${names.join(', ')}`);
  return found;
}

function number(value: string, text: string, what: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw wrong(text, `${what} is a number`);
  return Number(value);
}

function wrong(text: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`${text} is nothing to decide by: ${why}. Write ${DECIDING_SYNTAX}.`);
}
