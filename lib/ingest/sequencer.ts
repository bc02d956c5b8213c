/**
 * Orders two sequencers of one key: negative when `a` is older. S3 writes them as hexadecimal text of different lengths,
 * to be padded with zeros on the right and compared as text. An empty one, where none is known, is the oldest.
 * Source: Amazon S3 user guide, "Event message structure".
 */
export function compareSequencers(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  const left = a.toUpperCase().padEnd(length, '0');
  const right = b.toUpperCase().padEnd(length, '0');
  return left < right ? -1 : left > right ? 1 : 0;
}
