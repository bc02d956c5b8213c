import { describe, expect, it } from 'vitest';
import type { RescanBlob } from '../../events/rescan/v1.ts';
import { createRescanHandler } from '../../functions/rescan/handler.ts';
import { VersionRow } from '../../lib/catalog/index.ts';
import { deleteVersion, undoDelete } from '../../lib/deletion/index.ts';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { sqsBatchOf, testContext } from '../support/envelopes.ts';
import { createIngestPlane, safetensors } from '../support/ingestPlane.ts';
import { releases } from '../support/releases.ts';

const [TINY, V1] = [ModelName.parse('tiny'), SemVer.parse('1.0.0')];
const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';
const FILES = { a: safetensors(100), b: safetensors(300) };
type File = keyof typeof FILES;

/** A version of two files, and releases that find some of them bad. `beforeRestore` runs once, before the write that brings the version back. */
async function twoFiles() {
  const { state, scanner } = releases();
  const hooks: { beforeRestore?: (() => Promise<void>) | undefined } = {};
  const catalog = (store: CatalogStore): CatalogStore => ({
    ...store,
    async transact(changes) {
      const restores = changes.some((one) => one.kind === 'put' && one.item.key.sort.includes('#restored:'));
      const { beforeRestore } = hooks;
      if (restores && beforeRestore !== undefined) {
        hooks.beforeRestore = undefined;
        await beforeRestore();
      }
      return store.transact(changes);
    },
  });
  const plane = await createIngestPlane({ scanner, catalog });
  const upload = (file: string, bytes: Uint8Array) =>
    plane.upload(`uploads/tiny/1.0.0/${file}`, bytes, { metadata: { 'strata-set': SET } });
  const files = Object.entries(FILES).map(([name, bytes]) => ({ file: `${name}.safetensors`, size: bytes.length }));
  for (const [name, bytes] of Object.entries(FILES)) await upload(`${name}.safetensors`, bytes);
  await upload('strata.json', Buffer.from(JSON.stringify({ schema: 'strata-set/1', set: SET, files })));
  await plane.settle();

  const version = async () => (await VersionRow.get(plane.catalog, TINY, V1))?.value;
  const published = await version();
  const digestOf = (name: File) => {
    const found = published?.files.find(({ file }) => file === `${name}.safetensors`);
    if (found === undefined) throw new Error('not published');
    return found.digest;
  };
  const handler = createRescanHandler(plane.deps);
  /** The files are judged again, in this order, by a release that finds those in `bad` malicious. */
  async function judge(rules: string, bad: readonly File[], order: readonly File[]): Promise<void> {
    state.rules = rules;
    state.bad = new Set(bad.map((name) => FILES[name].length));
    for (const name of order) {
      const correlationId = CorrelationId.parse(`rescan-${rules}`);
      const body: RescanBlob = {
        schema: 'rescan-blob/1',
        rescanId: rules,
        digest: digestOf(name),
        hop: 0,
        correlationId,
      };
      await plane.queues.send('rescan', [{ body: JSON.stringify(body) }]);
      await work();
    }
  }
  async function work(): Promise<void> {
    await plane.relayOnce();
    const received = await plane.queues.receive('rescan', 10, 0, 60);
    expect((await handler(sqsBatchOf(received), testContext())).batchItemFailures).toEqual([]);
    for (const { receiptHandle } of received) await plane.queues.remove('rescan', receiptHandle);
    await plane.relayOnce();
  }
  /** Deletes the version, and brings it back after `meanwhile`. */
  async function deletedWhile(meanwhile: () => Promise<void>): Promise<void> {
    const terms = { model: TINY, version: V1, correlationId: CorrelationId.parse('deletion'), dryRun: false };
    await deleteVersion(plane.catalog, { ...terms, undoDays: 7, now: plane.clock.now() });
    await meanwhile();
    expect(await version()).toBeUndefined();
    await undoDelete(plane.catalog, { ...terms, now: plane.clock.now() });
    await work();
  }
  return { judge, hooks, version, digestOf, deletedWhile };
}

describe('a version of several files', () => {
  it.each<[string, readonly File[]]>([
    ['before', ['b', 'a']],
    ['after', ['a', 'b']],
  ])('stays withdrawn when another file becomes bad %s the first one is good again', async (_when, order) => {
    const { judge, version, digestOf } = await twoFiles();
    await judge('rules-2', ['a'], ['a', 'b']);
    expect((await version())?.withdrawn?.digest).toBe(digestOf('a'));
    await judge('rules-3', ['b'], order);
    expect(await version()).toMatchObject({
      deprecated: true,
      withdrawn: { digest: digestOf('b'), wasDeprecated: false },
    });
    await judge('rules-4', [], order);
    expect(await version()).toMatchObject({ deprecated: false });
    expect(await version()).not.toHaveProperty('withdrawn');
  });

  it.each<File>(['a', 'b'])('stays withdrawn when %s becomes bad while it is being brought back', async (file) => {
    const { judge, hooks, version, digestOf } = await twoFiles();
    await judge('rules-2', ['a'], ['a', 'b']);
    hooks.beforeRestore = () => judge('rules-4', [file], [file]);
    await judge('rules-3', [], ['a']);
    expect(hooks.beforeRestore).toBeUndefined();
    expect((await version())?.withdrawn?.digest).toBe(digestOf(file));
  });

  it.each<File>(['a', 'b'])('is withdrawn with its undo when %s became bad while it was deleted', async (file) => {
    const { judge, version, digestOf, deletedWhile } = await twoFiles();
    await deletedWhile(() => judge('rules-2', [file], ['a', 'b']));
    expect(await version()).toMatchObject({ deprecated: true, withdrawn: { digest: digestOf(file) } });
  });

  it('comes back whole with its undo when its file became good while it was deleted', async () => {
    const { judge, version, deletedWhile } = await twoFiles();
    await judge('rules-2', ['a'], ['a', 'b']);
    await deletedWhile(() => judge('rules-3', [], ['a', 'b']));
    expect(await version()).toMatchObject({ deprecated: false });
    expect(await version()).not.toHaveProperty('withdrawn');
  });
});
