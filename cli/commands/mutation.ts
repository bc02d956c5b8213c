import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { parseReference } from '../../lib/catalog/index.ts';
import { type ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { PlaneOptions } from '../connection/connect.ts';
import { CliError } from '../errors.ts';
import { note } from '../output.ts';
import { userName } from '../userName.ts';

// What commands that change something have in common.

export interface MutationOptions extends PlaneOptions {
  readonly dryRun?: boolean;
}

export const DRY_RUN = ['--dry-run', 'decide and tell, but change nothing'] as const;

/** `name@1.2.0`; aliases and ranges are refused, since what they mean may move. */
export function exact(target: string): { readonly model: ModelName; readonly version: SemVer } {
  const { model, reference } = parseReference(target);
  const version = SemVer.safeParse(reference);
  if (version.success) return { model, version: version.data };
  throw new CliError({
    code: 'bad-reference',
    message: `\`${target}\` names no exact version. Write it out, as in ${model}@1.0.0.`,
    retryable: false,
  });
}

/** A model as a whole. @throws CliError where a version is named, which such a change does not look at. */
export function modelOnly(target: string): ModelName {
  const { model } = parseReference(target);
  if (model === target) return model;
  throw new CliError({
    code: 'bad-reference',
    message: `\`${target}\` names a version, where the model alone is asked for: ${model}.`,
    retryable: false,
  });
}

/** Asks to type a word before something that cannot be taken back easily; without a terminal only `--yes` stands for it. */
export async function confirm(word: string, text: string): Promise<void> {
  if (process.stdin.isTTY) {
    note(text);
    const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
    // The terminal hands over the key, and no signal.
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    // Ctrl-D answers nothing.
    const typed = await terminal.question(`Type ${word} to go on: `).catch(() => '');
    terminal.close();
    if (typed.trim() === word) return;
  }
  const message = 'Not confirmed, nothing was changed. Type the word when asked, or add --yes.';
  throw new CliError({ code: 'not-confirmed', message, retryable: false });
}

export function isDry(options: MutationOptions): boolean {
  return options.dryRun === true;
}

export function sayDry(options: MutationOptions): void {
  if (isDry(options)) note('Nothing was changed (--dry-run).');
}

/** `--by`, for what is remembered with whoever did it. */
export function withOperator(command: Command): Command {
  return command.option(
    '--by <name>',
    'who takes it upon themselves (STRATA_OPERATOR)',
    process.env['STRATA_OPERATOR'],
  );
}

/** @throws CliError `no-operator` where neither the command line nor the system names one */
export function operatorOf({ by }: { readonly by?: string }): string {
  const name = by || userName();
  if (name !== undefined) return name;
  const message = 'This user has no name here. Say who takes it upon themselves: --by NAME, or STRATA_OPERATOR.';
  throw new CliError({ code: 'no-operator', message, retryable: false });
}
