import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/*
 * Ed25519 keys travel as raw 32 bytes in base64url; node wants them in their DER frames (RFC 8410), which are constant.
 * Importing a key costs more than signing with it, so the latest ones are remembered: whoever signs or checks has few.
 */
const PRIVATE_FRAME = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_FRAME = Buffer.from('302a300506032b6570032100', 'hex');
const REMEMBERED = 64;

/** The private key of a seed in base64url; undefined where the text is not exactly 32 bytes. */
export const privateKeyOf = remembering((seed) =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_FRAME, seed]), format: 'der', type: 'pkcs8' }),
);

/** The public key of its raw bytes in base64url; undefined where the text is not exactly 32 bytes. */
export const publicKeyOf = remembering((bytes) =>
  createPublicKey({ key: Buffer.concat([PUBLIC_FRAME, bytes]), format: 'der', type: 'spki' }),
);

/** Node decodes base64url leniently; a second text of the same bytes must not pass here. */
export function exactBytes(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === length && bytes.toString('base64url') === text ? bytes : undefined;
}

function remembering(importKey: (bytes: Buffer) => KeyObject): (text: string) => KeyObject | undefined {
  const known = new Map<string, KeyObject>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const bytes = exactBytes(text, 32);
    if (bytes === undefined) return undefined;
    const key = importKey(bytes);
    const [oldest] = known.keys();
    if (known.size === REMEMBERED && oldest !== undefined) known.delete(oldest);
    known.set(text, key);
    return key;
  };
}
