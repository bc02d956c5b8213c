import { HOP_METADATA, SET_FILE, SET_METADATA } from '../../events/upload-set/v1.ts';
import type { FileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { type CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { UploadRow, VersionRow, queryAll, startingWith } from '../../lib/catalog/index.ts';
import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import { MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import type { Faults } from './faults.ts';
import type { Rng } from './rng.ts';
import { pickle, safetensors, truncatedSafetensors } from './samples.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';
import { violated } from './watch.ts';

/** What was really done to one key, in the order in which the bucket saw it. */
interface KeyHistory {
  readonly writes: {
    readonly versionId: string;
    readonly bytes: Buffer;
    readonly expected: 'ready' | 'quarantined' | 'either';
  }[];
  deletes: number;
}

export interface UploadsOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly objects: FileObjectStore;
  readonly partSize: number;
  readonly models: readonly string[];
  /** How long new uploads keep coming. */
  readonly durationMs: number;
}

/** People and pipelines that upload: well-formed, hostile, impatient. Remembers what a correct system must make of it. */
export class Uploads {
  readonly histories = new Map<string, KeyHistory>();
  /** Keys at which the scanner dies whenever it reads. */
  readonly scannerKillers = new Set<string>();
  private readonly options: UploadsOptions;

  constructor(options: UploadsOptions) {
    this.options = options;
  }

  start(incarnation: Incarnation): void {
    const { rng, models, durationMs } = this.options;
    for (const model of models) {
      for (let release = 0; release < 10 + rng.below(3); release += 1) {
        this.later(incarnation, rng.below(durationMs), () => this.release(incarnation, model, `1.${release}.0`));
      }
    }
  }

  private later(incarnation: Incarnation, delayMs: number, task: () => Promise<void>): void {
    const { scheduler } = this.options;
    scheduler.spawn(incarnation, async () => {
      await scheduler.sleep(incarnation, delayMs);
      await task();
    });
  }

  private async release(incarnation: Incarnation, model: string, version: string): Promise<void> {
    const { rng, faults } = this.options;
    const key = `uploads/${model}/${version}/model.safetensors`;
    const pause = () => rng.below(rng.chance(0.5) ? 2 * SECOND_MS : 3 * MINUTE_MS);
    switch (rng.below(9)) {
      case 0:
      case 1:
        await this.put(key, this.model(), 'ready');
        if (rng.chance(0.3)) this.later(incarnation, pause(), () => this.again(key));
        return;
      case 2:
        return this.set(incarnation, model, version);
      case 3:
        await this.put(key, this.model(), 'either');
        if (!faults.happens('overwrite-during-check')) return;
        return this.later(incarnation, pause(), () => this.put(key, this.model(), 'either'));
      case 4:
        await this.put(key, this.model(), 'either');
        if (!faults.happens('delete-before-put')) return;
        return this.later(incarnation, pause(), () => this.delete(key));
      case 5:
        await this.put(key, this.model(), 'either');
        return this.later(incarnation, 5 * MINUTE_MS, () =>
          this.put(`uploads/${model}/${version}/extra.safetensors`, this.model(), 'either'),
        );
      case 6:
        return this.put(key, rng.chance(0.5) ? truncatedSafetensors(rng, 900) : pickle(), 'quarantined');
      case 7:
        if (faults.happens('self-triggering-upload'))
          await this.put(key, this.model(), 'quarantined', { [HOP_METADATA]: '9' });
        else await this.put(`uploads/${model}/NOT A VERSION/x`, this.model(), 'quarantined');
        return;
      default:
        if (faults.happens('scanner-crash')) this.scannerKillers.add(key);
        await this.put(key, this.model(), this.scannerKillers.has(key) ? 'quarantined' : 'ready');
    }
  }

  private model(): Buffer {
    const { rng, partSize } = this.options;
    // Some are large enough for the storage classes that charge for 128 KiB at least, and too large for any host.
    if (rng.chance(0.1)) return safetensors(rng, 160_000 + rng.below(4 * partSize));
    return safetensors(rng, 200 + rng.below(partSize * 4));
  }

  /** Files of one version in any order, with `strata.json` among them; sometimes one never comes. */
  private async set(incarnation: Incarnation, model: string, version: string): Promise<void> {
    const { rng } = this.options;
    const id = `${hex(rng, 8)}-${hex(rng, 4)}-${hex(rng, 4)}-${hex(rng, 4)}-${hex(rng, 12)}`;
    const files = ['unet.safetensors', 'vae.safetensors', 'text.safetensors'].slice(0, 2 + rng.below(2));
    const contents = new Map(files.map((file) => [file, this.model()]));
    const manifest = {
      schema: 'strata-set/1',
      set: id,
      files: files.map((file) => ({ file, size: contents.get(file)!.length })),
    };
    contents.set(SET_FILE, Buffer.from(JSON.stringify(manifest)));
    const missing = rng.chance(0.1) ? files[0] : undefined;
    for (const [file, bytes] of contents) {
      if (file === missing) continue;
      const key = `uploads/${model}/${version}/${file}`;
      this.later(incarnation, rng.below(MINUTE_MS), () =>
        this.put(key, bytes, missing === undefined ? 'ready' : 'either', { [SET_METADATA]: id }),
      );
    }
  }

  private async put(
    key: string,
    bytes: Buffer,
    expected: 'ready' | 'quarantined' | 'either',
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const outcome = await this.options.objects.write(key, bytes, { metadata });
    if (outcome.outcome !== 'written') return;
    const history = this.historyOf(key);
    history.writes.push({ versionId: outcome.versionId, bytes, expected });
  }

  /** The same bytes once more: nothing may change. */
  private async again(key: string): Promise<void> {
    const last = this.histories.get(key)?.writes.at(-1);
    if (last !== undefined) await this.put(key, last.bytes, 'either');
  }

  private async delete(key: string): Promise<void> {
    await this.options.objects.remove(key);
    this.historyOf(key).deletes += 1;
  }

  private historyOf(key: string): KeyHistory {
    const known = this.histories.get(key);
    if (known !== undefined) return known;
    const fresh: KeyHistory = { writes: [], deletes: 0 };
    this.histories.set(key, fresh);
    return fresh;
  }

  /** Whether the newest version of every key was noticed. */
  async allSeen(catalog: CatalogStore): Promise<boolean> {
    for (const [key, { writes, deletes }] of this.histories) {
      const last = writes.at(-1);
      if (last === undefined || deletes > 0) continue;
      if ((await UploadRow.get(catalog, key, last.versionId)) === undefined) return false;
    }
    return true;
  }

  /** After quiescence: every upload has a verdict, and the right one. */
  async check(catalog: CatalogStore): Promise<readonly Digest[]> {
    const published: Digest[] = [];
    for (const [key, history] of this.histories) {
      const items = await queryAll(catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
      const states = new Map(items.map((item) => UploadRow.parse(item).value).map((row) => [row.versionId, row]));
      const digest = await publishedDigest(catalog, key);
      if (digest !== undefined) published.push(digest);
      for (const [place, write] of history.writes.entries()) {
        const state = states.get(write.versionId);
        const last = place === history.writes.length - 1;
        if (state === undefined && last && history.deletes === 0) violated(`${key} ${write.versionId}: no verdict.`);
        if (state === undefined) continue;
        if (state.state === 'observed' || state.state === 'digesting') {
          violated(`${key} ${write.versionId}: still ${state.state} after everything came to rest.`);
        }
        if (history.writes.length > 1 || history.deletes > 0) continue;
        if (write.expected !== 'either' && state.state !== write.expected) {
          violated(
            `${key} ${write.versionId}: is ${state.state} (${state.quarantine?.reason ?? 'no reason'}), not ${write.expected}.`,
          );
        }
        const fileIsModel = !key.endsWith(SET_FILE);
        if (write.expected === 'ready' && fileIsModel && digest !== digestOf(write.bytes, this.options.partSize)) {
          violated(`${key} ${write.versionId}: published ${digest ?? 'nothing'}, not its bytes.`);
        }
      }
      const bytes = history.writes.map((write) => digestOf(write.bytes, this.options.partSize));
      if (digest !== undefined && !bytes.includes(digest))
        violated(`${key}: published ${digest}, which nobody uploaded there.`);
    }
    return published;
  }
}

async function publishedDigest(catalog: CatalogStore, key: string): Promise<Digest | undefined> {
  const [, model, version, file] = key.split('/');
  const parsed = { model: ModelName.safeParse(model).data, version: SemVer.safeParse(version).data };
  if (parsed.model === undefined || parsed.version === undefined) return undefined;
  const row = await VersionRow.get(catalog, parsed.model, parsed.version);
  return row?.value.files.find((candidate) => candidate.file === file)?.digest;
}

export function digestOf(bytes: Buffer, partSize: number): Digest {
  const hashes = [];
  for (let offset = 0; offset < bytes.length; offset += partSize)
    hashes.push(partHash(bytes.subarray(offset, offset + partSize)));
  return blobDigest(bytes.length, partSize, hashes);
}

function hex(rng: Rng, digits: number): string {
  let text = '';
  while (text.length < digits) text += rng.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
