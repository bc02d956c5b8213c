import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export class MutationError extends Error {
  override readonly name = 'MutationError';
}

export function mutate(mutant: Mutant, source: string): string {
  const places = source.split(mutant.find).length - 1;
  if (places !== 1) {
    throw new MutationError(
      `Mutant ${mutant.id}: its text stands ${places} times in ${mutant.file}, not once. Mend test/simulation/mutants.ts.`,
    );
  }
  return source.replace(mutant.find, () => mutant.replace);
}

/** The mutants of these ids, or all. */
export function chosenOf(ids: readonly string[] | undefined): readonly Mutant[] {
  const unknown = ids?.filter((id) => mutants.every((mutant) => mutant.id !== id)) ?? [];
  if (unknown.length > 0)
    throw new MutationError(`No mutant of test/simulation/mutants.ts is ${unknown.join(' or ')}.`);
  return mutants.filter(({ id }) => ids === undefined || ids.includes(id));
}

/** Why the mutant cannot be tried: nobody mended it when its file changed. */
export function misfitOf(mutant: Mutant): string | undefined {
  try {
    mutate(mutant, readFileSync(root + mutant.file, 'utf8'));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The mutant that this process was started for. */
export function chosenMutant(): Mutant {
  const id = process.env['STRATA_MUTANT'];
  const mutant = mutants.find((candidate) => candidate.id === id);
  if (mutant === undefined)
    throw new MutationError(`STRATA_MUTANT=${id} names no mutant of test/simulation/mutants.ts.`);
  return mutant;
}

/** The edited text of `url` when it is the mutant's file. */
export function mutatedSource(mutant: Mutant, url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const path = fileURLToPath(url);
  return path === root + mutant.file ? mutate(mutant, readFileSync(path, 'utf8')) : undefined;
}
