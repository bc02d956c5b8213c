import * as z from 'zod/mini';
import { generateKeyPair } from '../../fleet/index.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { CommandKeys } from '../../shared/ports/commandKeys.ts';
import type { Random } from '../../shared/ports/random.ts';
import { DAY_MS, EpochMs } from '../../shared/units.ts';
import { readSecretFile, writeSecretFile } from './secretFile.ts';

/*
 * A key is published → signs (once every host had time to learn it) → is published only (its commands may still be on
 * their way) → gone. The file holds them oldest first and is readable by its owner alone.
 */
const LEARN_MS = DAY_MS;
const SIGN_MS = 30 * DAY_MS;
/** Longer than any command lives. */
const REMEMBER_MS = 2 * DAY_MS;

const Keys = z
  .array(z.strictObject({ keyId: z.string(), privateKey: z.string(), publicKey: z.string(), createdAt: EpochMs }))
  .check(z.minLength(1));
type Keys = z.infer<typeof Keys>;

export function createFileCommandKeys(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
}): CommandKeys {
  const { path, clock, random } = options;
  let keys = Keys.parse(JSON.parse(readSecretFile(path, () => JSON.stringify([newKey()]))));

  function newKey(): Keys[number] {
    return { ...generateKeyPair(`plane-${random.id().slice(0, 12)}`, random), createdAt: clock.now() };
  }

  /** The keys of this moment, after writing down what time has changed. */
  function rotated(): Keys {
    const now = clock.now();
    const [newest] = keys.slice(-1);
    const due = newest !== undefined && newest.createdAt + SIGN_MS <= now;
    const next = due ? [...keys, newKey()] : keys;
    const kept = next.filter((_, place) => {
      const successor = next[place + 1];
      return successor === undefined || successor.createdAt + LEARN_MS + REMEMBER_MS > now;
    });
    if (kept.length !== keys.length || due) {
      writeSecretFile(path, JSON.stringify(kept));
      keys = kept;
    }
    return keys;
  }

  return {
    async current() {
      const all = rotated();
      const known = all.findLast((key) => key.createdAt + LEARN_MS <= clock.now()) ?? all[0];
      if (known === undefined) throw new TypeError('The key file holds at least one key.');
      return { keyId: known.keyId, privateKey: known.privateKey };
    },
    async published() {
      return rotated().map(({ keyId, publicKey }) => ({ keyId, publicKey }));
    },
  };
}
