import { StrataError } from '../lib/shared/errors.ts';

/** Whether a plane of an older release said that it does not know how to tell what it was asked. */
export function isOfOlder(error: unknown): boolean {
  return error instanceof StrataError && error.code === 'unknown-operation';
}

/** What a plane of an older release does not know how to tell is undefined. */
export async function unlessOlder<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isOfOlder(error)) return undefined;
    throw error;
  }
}
