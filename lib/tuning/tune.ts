import { decideKeep, type ProbeEffect, type Verdict } from './decideKeep.ts';
import { TuningError } from './errors.ts';
import type { Change, Finding } from './findings.ts';
import { openEntries, type TuningJournal } from './journal.ts';
import type { HostSettings } from './ports.ts';
import { planPersistence } from './planPersistence.ts';
import type { Written } from './settings.ts';

export interface TuneDeps {
  readonly host: HostSettings;
  readonly journal: TuningJournal;
  /** What is found of a setting now: those that were kept before it, or somebody else, may have changed it. */
  readonly judge: (setting: string) => Promise<Finding | undefined>;
  /** One run of each probe, in bytes a second. */
  readonly measure: () => Promise<Readonly<Record<string, number>>>;
  /** Asked between two runs: true ends it once the setting in hand is undone. */
  readonly cancelled: () => boolean;
  readonly onTrial: (setting: string) => void;
  /** Told of each at its end, and so also of those before an error. */
  readonly onTried: (tried: Tried) => void;
}

export interface TuneOptions {
  /** Pairs of runs, before and after. */
  readonly rounds: number;
  /** Keeps what was applied, whatever it brought. */
  readonly keepAll: boolean;
  /** Makes what is kept last over reboots. */
  readonly persist: boolean;
}

export interface Tried {
  readonly setting: string;
  readonly outcome: 'kept' | 'undone' | 'refused';
  readonly reason: Verdict['reason'] | 'asked' | 'refused';
  readonly detail?: string;
  readonly effects: readonly ProbeEffect[];
}

/**
 * Tries each setting that differs, one after the other, on top of those that were kept: writes it down, measures before and
 * after in turn, and keeps or undoes it. A run that dies leaves a setting that `revertTuning` undoes.
 * @throws TuningError before anything is tried: `unfinished` after such a run, `not-ours` where what is kept could not be made to
 * last; later `not-undone`, `cancelled`
 */
export async function tuneHost(deps: TuneDeps, findings: readonly Finding[], options: TuneOptions): Promise<void> {
  const { entries } = openEntries(await deps.journal.records());
  const left = entries.find(({ state }) => state === 'trying');
  if (left !== undefined) {
    const message = `An earlier run ended while it tried ${left.setting}: \`strata tune --revert\` first.`;
    throw new TuningError({ code: 'unfinished', message, retryable: false });
  }
  const differing = findings.filter(({ status }) => status === 'differs');
  if (options.persist) {
    const changes = [...entries, ...differing].flatMap((one) => one.changes);
    for (const { file } of planPersistence(changes)) await deps.host.assertOurs(file);
  }
  // Caches, connections and the drive's own state are warm from here on, on both sides.
  if (differing.length > 0) await deps.measure();
  for (const { setting } of differing) {
    const found = await deps.judge(setting);
    if (found?.status === 'differs') deps.onTried(await trySetting(deps, setting, found.changes, options));
  }
  if (options.persist) await persistKept(deps);
  const { entries: open, persisted } = openEntries(await deps.journal.records());
  if (open.length + persisted.length === 0) await deps.journal.clear();
}

async function trySetting(
  deps: TuneDeps,
  setting: string,
  changes: readonly Change[],
  { rounds, keepAll }: TuneOptions,
): Promise<Tried> {
  const { host, journal } = deps;
  deps.onTrial(setting);
  await journal.append({ entry: 'trying', setting, changes: changes.map((one) => ({ ...one, undo: [...one.undo] })) });
  let verdict: Verdict;
  try {
    verdict = decideKeep(await measureInTurn(deps, changes, rounds));
    if (verdict.decision === 'keep' || keepAll) {
      await apply(host, changes);
      await journal.append({ entry: 'kept', setting });
      return { setting, outcome: 'kept', reason: keepAll ? 'asked' : verdict.reason, effects: verdict.effects };
    }
  } catch (error) {
    await undo(host, changes);
    await journal.append({ entry: 'undone', setting });
    if (!(error instanceof TuningError && error.code === 'refused')) throw error;
    return { setting, outcome: 'refused', reason: 'refused', detail: error.message, effects: [] };
  }
  await undo(host, changes);
  await journal.append({ entry: 'undone', setting });
  return { setting, outcome: 'undone', reason: verdict.reason, effects: verdict.effects };
}

/** Before, after, before, after …: what drifts meanwhile falls on both sides alike. */
async function measureInTurn(deps: TuneDeps, changes: readonly Change[], rounds: number) {
  const runs = new Map<string, { probe: string; before: number[]; after: number[] }>();
  const measure = async (side: 'before' | 'after') => {
    if (deps.cancelled()) throw new TuningError({ code: 'cancelled', message: 'Cancelled.', retryable: false });
    for (const [probe, rate] of Object.entries(await deps.measure())) {
      const of = runs.get(probe) ?? { probe, before: [], after: [] };
      of[side].push(rate);
      runs.set(probe, of);
    }
  };
  for (let round = 0; round < rounds; round += 1) {
    await measure('before');
    await apply(deps.host, changes);
    await measure('after');
    await undo(deps.host, changes);
  }
  return [...runs.values()];
}

/** @throws TuningError `refused` where the kernel says no, or holds another value afterwards than it was given. */
async function apply(host: HostSettings, changes: readonly Change[]): Promise<void> {
  for (const { file, value } of changes) {
    await host.write(file, value);
    const now = await host.read(file);
    if (now !== value) {
      const message = `/${file} holds ${now ?? 'nothing'} after ${value} was written.`;
      throw new TuningError({ code: 'refused', message, retryable: false });
    }
  }
}

/** @throws TuningError `not-undone`, once all else is undone; the journal still knows it then. */
async function undo(host: HostSettings, changes: readonly Change[]): Promise<void> {
  const [first, ...others] = await undoAll(host, changes);
  if (first === undefined) return;
  const files = [first, ...others].map(({ file, value }) => `/${file} could not be set back to ${value}.`);
  throw new TuningError({ code: 'not-undone', message: files.join(' '), retryable: true, cause: first.cause });
}

/** One that does not come back keeps no other from it. Answers with those that did not. */
async function undoAll(
  host: HostSettings,
  changes: readonly Change[],
): Promise<readonly (Written & { readonly cause: unknown })[]> {
  const stayed: (Written & { readonly cause: unknown })[] = [];
  for (const before of changes.toReversed().flatMap(({ undo: writes }) => writes)) {
    if ((await host.read(before.file)) === before.value) continue;
    const cause: unknown = await host.write(before.file, before.value).catch((error: unknown) => error);
    if ((await host.read(before.file)) !== before.value) stayed.push({ ...before, cause });
  }
  return stayed;
}

async function persistKept({ host, journal }: TuneDeps): Promise<void> {
  const { entries } = openEntries(await journal.records());
  const files = planPersistence(entries.toReversed().flatMap(({ changes }) => changes));
  if (files.length === 0) return;
  await journal.append({ entry: 'persisted', files: files.map(({ file }) => file) });
  for (const { file, text } of files) await host.persist(file, text);
}

export interface Reverted {
  /** Or the path of a file for boot. */
  readonly setting: string;
  /**
   * `left`: somebody has set it to something else since. `stayed`: the host does not take back what was there before.
   * `at-boot`: a file that could not be removed, and sets at each boot what was taken back now.
   */
  readonly outcome: 'undone' | 'was-undone' | 'left' | 'stayed' | 'at-boot';
  /** What was there before; of a file for boot, why it is there still. */
  readonly detail: string;
}

/**
 * Takes everything back that the journal knows, the newest first; may be repeated. What stayed keeps nothing older from being taken
 * back, and the journal knows it still.
 */
export async function revertTuning({
  host,
  journal,
}: Pick<TuneDeps, 'host' | 'journal'>): Promise<readonly Reverted[]> {
  const { entries, persisted } = openEntries(await journal.records());
  const reverted: Reverted[] = [];
  // First, so that no boot in between sets again what is taken back.
  for (const file of persisted) {
    try {
      await host.unpersist(file);
    } catch (error) {
      if (!(error instanceof TuningError)) throw error;
      reverted.push({ setting: `/${file}`, outcome: 'at-boot', detail: error.message });
    }
  }
  for (const { setting, changes } of entries) {
    const found = await Promise.all(changes.map((change) => stateOf(host, change)));
    const ours = changes.filter((_, at) => found[at] === 'ours');
    const stayed = await undoAll(host, ours);
    if (stayed.length > 0) {
      reverted.push({ setting, outcome: 'stayed', detail: textOf(stayed) });
      continue;
    }
    await journal.append({ entry: 'undone', setting });
    const left = changes.filter((_, at) => found[at] === 'foreign');
    reverted.push({
      setting,
      outcome: left.length > 0 ? 'left' : found.includes('ours') ? 'undone' : 'was-undone',
      detail: textOf((left.length > 0 ? left : changes).flatMap(({ undo: was }) => was)),
    });
  }
  if (reverted.every(({ outcome }) => outcome !== 'stayed' && outcome !== 'at-boot')) await journal.clear();
  return reverted;
}

function textOf(written: readonly Written[]): string {
  return written.map(({ file, value }) => `/${file} ${value}`).join(' · ');
}

async function stateOf(host: HostSettings, { file, value, undo: was }: Change): Promise<'ours' | 'undone' | 'foreign'> {
  const found = await Promise.all(was.map((before) => host.read(before.file)));
  if (was.every((before, at) => found[at] === before.value)) return 'undone';
  const now = await host.read(file);
  // Its first write may have been taken back, and not what is set again with it.
  const begun = was.some((before) => before.file === file && before.value === now);
  return now === value || begun ? 'ours' : 'foreign';
}
