import { PortError } from '../shared/errors.ts';
import type { ObjectStore, RestoreRequest, WriteOptions } from '../shared/ports/objectStore.ts';
import { MIB } from '../shared/units.ts';

/** Of the port: larger objects are uploaded by streams and read by ranges. */
const LARGEST_BODY = 64 * MIB;
const KEY_BYTES = 1024;
/** S3's limit on user-defined metadata, names and values together. */
const METADATA_BYTES = 2048;

// The bounds of the port, checked before a call reaches any store, so that no runtime accepts what the other refuses.

export function checkObjectKey(key: string): void {
  if (key === '' || Buffer.byteLength(key) > KEY_BYTES) {
    throw invalidRequest(`An object key has 1 to ${KEY_BYTES} bytes.`);
  }
}

export function checkWrite(
  { classes }: Pick<ObjectStore, 'classes'>,
  key: string,
  size: number,
  options: WriteOptions,
): void {
  checkObjectKey(key);
  const { storageClass = 'STANDARD' } = options;
  if (!classes.includes(storageClass)) {
    throw invalidRequest(`This store has no storage class ${storageClass}, only ${classes.join(', ')}.`);
  }
  let bytes = 0;
  for (const [name, value] of Object.entries(options.metadata ?? {})) {
    if (!/^[a-z0-9-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value)) {
      throw invalidRequest(`Metadata ${JSON.stringify(name)}: names are [a-z0-9-]+, values printable ASCII.`);
    }
    bytes += name.length + value.length;
  }
  if (bytes > METADATA_BYTES) throw invalidRequest(`Metadata has at most ${METADATA_BYTES} bytes, not ${bytes}.`);
  if (size > LARGEST_BODY) {
    throw new PortError({
      code: 'too-large',
      message: `A body of one call has at most ${LARGEST_BODY} bytes, not ${size}. Upload it as a stream.`,
      retryable: false,
    });
  }
}

/** S3 takes no more parts. */
const MOST_PARTS = 10_000;
/** Room for a part of 64 MiB that became larger where it was to become smaller. */
const LARGEST_PART = 65 * MIB;

export function checkPart(number: number, size: number): void {
  const fits = Number.isInteger(number) && number >= 1 && number <= MOST_PARTS && size <= LARGEST_PART;
  if (!fits) throw invalidRequest(`Part ${number} of ${size} bytes: parts are 1 to ${MOST_PARTS}, of 65 MiB at most.`);
}

/** `size` is the object's, where it is known. */
export function checkRange(offset: number, length: number, size = Number.MAX_SAFE_INTEGER): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
  if (!whole || length > LARGEST_BODY || offset + length > size) {
    throw invalidRequest(`The range of ${length} bytes from ${offset} is empty, too long or outside of the object.`);
  }
}

export function checkRestore({ days }: RestoreRequest): void {
  if (!Number.isInteger(days) || days < 1) throw invalidRequest(`A restored copy stays for whole days, not ${days}.`);
}

export function invalidRequest(message: string): PortError {
  return new PortError({ code: 'invalid-request', message, retryable: false });
}
