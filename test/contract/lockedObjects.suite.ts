import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { EpochMs, HOUR_MS } from '../../lib/shared/units.ts';

let keys = 0;

/** What every bucket promises that locks what is written with `retainUntil`. */
export function lockedObjectsContract(name: string, create: () => Promise<ObjectStore>, now: () => number): void {
  describe(`${name} as a store that locks`, () => {
    let store: ObjectStore;
    let key: string;
    beforeEach(async () => {
      store = await create();
      keys += 1;
      key = `locked/${process.pid}-${keys}.json`;
    });

    async function locked(text: string): Promise<string> {
      const retainUntil = EpochMs.parse(now() + HOUR_MS);
      const outcome = await store.write(key, Buffer.from(text), { onlyIf: 'absent', retainUntil });
      if (outcome.outcome !== 'written') throw new Error(outcome.outcome);
      return outcome.versionId;
    }

    it('refuses to remove a locked version, and keeps it readable', async () => {
      const versionId = await locked('sealed');
      const code: unknown = expect.stringMatching(/^(access-denied|invalid-request)$/);
      await expect(store.remove(key, versionId)).rejects.toMatchObject({ code, retryable: false });
      expect(await store.readRange(key, versionId, 0, 6)).toMatchObject({ outcome: 'read' });
    });

    it('does not write over a locked version where none may be there', async () => {
      await locked('sealed');
      const again = await store.write(key, Buffer.from('forged'), { onlyIf: 'absent' });
      expect(again).toEqual({ outcome: 'exists' });
    });

    it('shows a locked version as the oldest below whatever is laid over it', async () => {
      const versionId = await locked('sealed');
      await store.remove(key);
      await store.write(key, Buffer.from('forged'));
      const { versions } = await store.listVersions({ prefix: key, limit: 10 });
      expect(versions.filter((one) => !one.isDeleteMarker).at(-1)?.versionId).toBe(versionId);
      expect(versions).toHaveLength(3);
    });
  });
}
