import { userInfo } from 'node:os';

/** Undefined in a container that runs as a number without a name. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
