import { InvalidArgumentError } from 'commander';
import { CachingError } from '../lib/caching/index.ts';

/** What a person mistyped of a cache policy or size is a usage error. */
export function asArgument<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CachingError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
