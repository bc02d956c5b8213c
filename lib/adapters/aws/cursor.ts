import { invalidRequest } from './errors.ts';

/** Makes a service's own page marker opaque. */
export function encodeCursor(marker: unknown): string {
  return Buffer.from(JSON.stringify(marker)).toString('base64url');
}

export function decodeCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidRequest('This cursor was not made by this store.');
  }
}
