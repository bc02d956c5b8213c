import type * as z from 'zod/mini';
import { PortError } from '../shared/errors.ts';

/** Makes a store's own page marker opaque. */
export function encodeCursor(marker: unknown): string {
  return Buffer.from(JSON.stringify(marker)).toString('base64url');
}

/** @throws PortError `invalid-request` when the cursor holds no such marker. */
export function decodeCursor<Marker extends z.ZodMiniType>(Marker: Marker, cursor: string): z.output<Marker> {
  try {
    return Marker.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch (cause) {
    const message = 'This cursor was not made by this store. Start the listing again.';
    throw new PortError({ code: 'invalid-request', message, retryable: false, cause });
  }
}
