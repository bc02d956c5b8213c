import { StrataError } from '../lib/shared/errors.ts';

/** What a plane of an older release does not know how to tell is undefined. */
export async function unlessOlder<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StrataError && error.code === 'unknown-operation') return undefined;
    throw error;
  }
}
