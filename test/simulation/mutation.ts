import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

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

/** The mutant that this process was started for. */
export function chosenMutant(): Mutant {
  const id = process.env['STRATA_MUTANT'];
  const mutant = mutants.find((candidate) => candidate.id === id);
  if (mutant === undefined)
    throw new MutationError(`STRATA_MUTANT=${id} names no mutant of test/simulation/mutants.ts.`);
  return mutant;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The edited text of `url` when it is the mutant's file. */
export function mutatedSource(mutant: Mutant, url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const path = fileURLToPath(url);
  return path === root + mutant.file ? mutate(mutant, readFileSync(path, 'utf8')) : undefined;
}
