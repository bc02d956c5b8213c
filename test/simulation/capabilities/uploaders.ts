import { HOP_METADATA, SET_FILE, SET_METADATA } from '../../../events/upload-set/v1.ts';
import type { Orphan, Version } from '../../../lib/catalog/index.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';
import type { Focus } from '../focus.ts';
import type { Rng } from '../rng.ts';
import { digestOf, hijacked, pickle, pickledBytes, safetensors, truncatedSafetensors } from '../samples.ts';
import type { Incarnation } from '../scheduler.ts';
import type { Stage } from '../stage.ts';

/** At which purges and sweeps of this world begin. */
const SWEEPS_EVERY_MS = 4 * MINUTE_MS;

/** Where a run concentrates on what is done with small blobs, there are some from the start, and nobody uploads others. */
const MANY: ReadonlySet<Focus> = new Set(['moves', 'pins', 'purges', 'releases', 'generations', 'regrets']);

/** Two parts in most runs, four in the others. */
const MOST_SMALL_BYTES = 16_384;

/** No upload holds what this promises. */
export const MISNAMED = '.gguf';

type Expected = 'ready' | 'quarantined' | 'either';

/** What was really done to one key, in the order in which the bucket saw it. */
export interface KeyHistory {
  readonly writes: { readonly versionId: string; readonly bytes: Buffer; readonly expected: Expected }[];
  deletes: number;
  /** Whether a delete was the last that happened. */
  deleted: boolean;
}

/** People and pipelines that upload: well-formed, hostile, impatient. Remembers what was really done. */
export class Uploaders {
  readonly histories = new Map<string, KeyHistory>();
  private readonly stage: Stage;
  private readonly rng: Rng;
  private readonly life: Incarnation;
  /** Counts the releases of each model: its minor version. */
  private readonly released = new Map<string, number>();
  private readonly known: Buffer[] = [];

  constructor(stage: Stage, rng: Rng) {
    this.stage = stage;
    this.rng = rng;
    this.life = stage.scheduler.incarnation('uploader');
  }

  act(durationMs: number): void {
    const { rng } = this;
    if (this.released.size === 0) this.begin();
    if (this.hasMany()) return;
    for (const model of this.stage.models) {
      for (let count = Math.ceil((durationMs / MINUTE_MS) * (0.15 + 0.4 * rng.number())); count > 0; count -= 1) {
        const minor = this.released.get(model) ?? 0;
        this.released.set(model, minor + 1);
        this.later(rng.below(durationMs), () => this.release(model, `1.${minor}.0`));
      }
    }
  }

  /** There from the start, so that it is old after days: what learned moves are made of, and versions that others follow at once. */
  private begin(): void {
    const { rng } = this;
    const { focus, scheduler, settings } = this.stage;
    const model = rng.pick(this.stage.models);
    const files = {
      dollars: () => [this.large()],
      lifecycle: () => [0, 1, 2].map(() => this.model()),
      rules: () => [],
    };
    for (const bytes of focus === 'restores' ? [this.large(), this.large()] : files[settings.tierPolicy]())
      this.publishAt(model, bytes, scheduler.now + rng.below(20 * SECOND_MS));
    if (!this.hasMany()) return;
    for (const other of [...this.stage.models, ...this.stage.models])
      this.publishAt(other, safetensors(rng, 4_096 + rng.below(8_192)), scheduler.now + rng.below(20 * SECOND_MS));
  }

  private hasMany(): boolean {
    const { focus } = this.stage;
    return focus !== undefined && MANY.has(focus);
  }

  /** The bytes of a deleted version come back under another number, often while they are being purged. */
  publishAgain({ model, version, files }: Version): void {
    const [file] = files;
    const { writes } = this.histories.get(`uploads/${model}/${version}/${file?.file}`) ?? { writes: [] };
    const bytes = writes.find((write) => digestOf(write.bytes, this.stage.partSize) === file?.digest)?.bytes;
    if (bytes !== undefined && this.rng.chance(this.stage.focus === 'purges' ? 1 : 0.4))
      this.publishAtSweep(model, bytes, this.stage.scheduler.now + 1);
  }

  /** A copy that no row names is needed again, by an upload that comes while it is being swept. */
  async publishOrphan({ digest, object, versionId, size, condemnedAt }: Orphan): Promise<void> {
    if (object !== 'bytes' || this.rng.chance(0.2)) return;
    const found = await this.stage.bucket.head(blobKey(digest), versionId);
    // Packed bytes are no model.
    if (found.outcome === 'absent' || found.head.metadata['strata-encoding'] !== undefined) return;
    const read = await this.stage.bucket.readRange(blobKey(digest), versionId, 0, size);
    const due = condemnedAt + this.stage.settings.orphanGraceMs;
    if (read.outcome !== 'read') return;
    const [model, bytes, sweep] = [this.rng.pick(this.stage.models), Buffer.from(read.bytes), sweepAfter(due)];
    if (this.rng.chance(0.4)) return this.publishAtSweep(model, bytes, sweep);
    // What finds the copy there before the sweep goes on when that has begun to delete it.
    this.stage.lateReads.set(blobKey(digest), sweep + 1 + this.rng.below(10 * SECOND_MS));
    this.publishAt(model, bytes, sweep - 1 - this.rng.below(10 * SECOND_MS));
  }

  private publishAtSweep(model: string, bytes: Buffer, after: number): void {
    const late = this.rng.chance(0.5) ? 0 : this.rng.below(20 * SECOND_MS);
    this.publishAt(model, bytes, sweepAfter(after) + late);
  }

  private publishAt(model: string, bytes: Buffer, at: number): void {
    const { faults, scheduler, releases } = this.stage;
    if (!faults.enabled) return;
    const minor = this.released.get(model) ?? 0;
    this.released.set(model, minor + 1);
    const key = `uploads/${model}/1.${minor}.0/model.bin`;
    this.later(at - scheduler.now, async () => {
      // What an operator released is refused again under another name.
      const status = await releases.statusOf(releases.rules(), bytes);
      await this.put(key, bytes, status === 'clean' ? 'ready' : 'quarantined');
    });
  }

  private later(delayMs: number, task: () => Promise<void>): void {
    const { scheduler } = this.stage;
    scheduler.spawn(this.life, async () => {
      await scheduler.sleep(this.life, delayMs);
      await task();
    });
  }

  private async release(model: string, version: string): Promise<void> {
    const { rng } = this;
    const { faults, deadlyKeys } = this.stage;
    const key = `uploads/${model}/${version}/model.bin`;
    switch (rng.below(9)) {
      case 0:
      case 1:
        await this.put(key, this.model(), 'ready');
        if (rng.chance(0.3)) this.later(this.pause(), () => this.again(key));
        return;
      case 2:
        return this.set(model, version);
      case 3:
        return this.overwritten(key);
      case 4:
        return this.regret(key);
      case 5:
        await this.put(key, this.model(), 'either');
        return this.later(5 * MINUTE_MS, () =>
          this.put(`uploads/${model}/${version}/extra.bin`, this.model(), 'either'),
        );
      case 6:
        return this.hostile(key);
      case 7:
        if (faults.happens('self-triggering-upload'))
          await this.put(key, this.model(), 'quarantined', { [HOP_METADATA]: '9' });
        else await this.put(`uploads/${model}/NOT A VERSION/x`, this.model(), 'quarantined');
        return;
      default:
        if (faults.happens('scanner-crash')) deadlyKeys.add(key);
        else if (faults.happens('verdict-refused')) this.askOften(key);
        await this.put(key, this.model(), deadlyKeys.has(key) ? 'quarantined' : 'ready');
    }
  }

  /** For minutes many messages ask for its scan, and the catalog takes no verdict. */
  private askOften(key: string): void {
    const { refusedVerdicts, scheduler, queues } = this.stage;
    refusedVerdicts.set(key, scheduler.now + 5 * MINUTE_MS);
    const body = JSON.stringify({ schema: 'observe-upload/1', key, correlationId: 'asked-often' });
    for (let seconds = 10; seconds < 100; seconds += 10)
      this.later(seconds * SECOND_MS, () => queues.send('ingest', [{ body }]));
  }

  /** Replaced while it is judged: by other bytes of any size, or by hostile ones of the same size, or those by good ones. */
  private async overwritten(key: string): Promise<void> {
    const { rng } = this;
    const good = this.model();
    const alike = [good, hijacked(good)];
    const [first, second] = rng.pick([alike, alike.toReversed(), [good, this.model()]]);
    await this.put(key, first ?? good, 'either');
    if (!this.stage.faults.happens('overwrite-during-check')) return;
    // Most at once, while the first is being looked at; the others when its events may still be under way.
    if (rng.chance(0.3)) return this.later(this.pause(), () => this.put(key, second ?? good, 'either'));
    for (let steps = rng.below(60); steps > 0; steps -= 1) await this.stage.scheduler.park(this.life, 'uploader');
    await this.put(key, second ?? good, 'either');
  }

  private async hostile(key: string): Promise<void> {
    const { rng } = this;
    const way = rng.below(8);
    if (way === 0) return this.put(key, Buffer.alloc(this.stage.maxUploadBytes + 1), 'quarantined');
    if (way === 1) return this.put(key, this.model(), 'quarantined', { [SET_METADATA]: 'no uuid' });
    // As a pointer or a renamed file: good bytes that are not what the name promises.
    if (way === 2) return this.put(key.replace(/\.bin$/, MISNAMED), this.model(), 'quarantined');
    return this.put(key, way < 5 ? truncatedSafetensors(rng, 900) : pickle(), 'quarantined');
  }

  private pause(): number {
    return this.rng.below(this.rng.chance(0.5) ? 2 * SECOND_MS : 3 * MINUTE_MS);
  }

  /** Uploaded, deleted, and then perhaps deleted once more by a script, or uploaded and deleted again and again. */
  private async regret(key: string): Promise<void> {
    await this.put(key, this.model(), 'either');
    if (!this.stage.faults.happens('delete-before-put')) return;
    this.later(this.pause(), async () => {
      await this.delete(key);
      for (let times = this.rng.below(4); times > 0; times -= 1) {
        if (this.rng.chance(0.5)) await this.put(key, this.model(), 'either');
        await this.delete(key);
      }
    });
  }

  private large(): Buffer {
    const { rng } = this;
    return safetensors(rng, (rng.chance(0.5) ? 132_000 : 160_000) + rng.below(MOST_SMALL_BYTES));
  }

  private model(): Buffer {
    const { rng } = this;
    // Some are large enough for the storage classes that charge for 128 KiB at least, and many of these too large for any host.
    if (rng.chance(this.stage.settings.tierPolicy === 'dollars' ? 0.22 : 0.12)) return this.large();
    // Some bytes are published under several names: they have one blob.
    if (this.known.length > 0 && rng.chance(0.2)) return rng.pick(this.known);
    const size = 200 + rng.below(MOST_SMALL_BYTES);
    const bytes = rng.chance(0.2) ? pickledBytes(rng, size) : safetensors(rng, size);
    this.known.push(bytes);
    return bytes;
  }

  /** Files of one version in any order, with `strata.json` among them; sometimes one never comes, or is not what it says. */
  private async set(model: string, version: string): Promise<void> {
    const { rng } = this;
    const id = `${hex(rng, 8)}-${hex(rng, 4)}-${hex(rng, 4)}-${hex(rng, 4)}-${hex(rng, 12)}`;
    const files = ['unet.bin', 'vae.bin', 'text.bin'].slice(0, 2 + rng.below(2));
    const contents = new Map(files.map((file) => [file, this.model()]));
    const manifest = {
      schema: 'strata-set/1',
      set: id,
      files: files.map((file) => ({ file, size: contents.get(file)!.length })),
    };
    const wrong = rng.chance(0.15) ? rng.pick(['size', 'name'] as const) : undefined;
    if (wrong === 'size') manifest.files[0]!.size += 1;
    if (wrong === 'name') manifest.files.pop();
    contents.set(SET_FILE, Buffer.from(JSON.stringify(manifest)));
    const missing = rng.chance(0.1) ? files[0] : undefined;
    for (const [file, bytes] of contents) {
      if (file === missing) continue;
      const key = `uploads/${model}/${version}/${file}`;
      this.later(rng.below(MINUTE_MS), () =>
        this.put(key, bytes, missing === undefined && wrong === undefined ? 'ready' : 'either', { [SET_METADATA]: id }),
      );
    }
  }

  private async put(
    key: string,
    bytes: Buffer,
    expected: Expected,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const outcome = await this.stage.bucket.write(key, bytes, { metadata });
    if (outcome.outcome !== 'written') return;
    const history = this.historyOf(key);
    history.writes.push({ versionId: outcome.versionId, bytes, expected });
    history.deleted = false;
  }

  /** The same bytes once more: nothing may change. */
  private async again(key: string): Promise<void> {
    const last = this.histories.get(key)?.writes.at(-1);
    if (last !== undefined) await this.put(key, last.bytes, 'either');
  }

  private async delete(key: string): Promise<void> {
    await this.stage.bucket.remove(key);
    const history = this.historyOf(key);
    history.deletes += 1;
    history.deleted = true;
  }

  private historyOf(key: string): KeyHistory {
    const known = this.histories.get(key);
    if (known !== undefined) return known;
    const fresh: KeyHistory = { writes: [], deletes: 0, deleted: false };
    this.histories.set(key, fresh);
    return fresh;
  }
}

function sweepAfter(moment: number): number {
  return Math.ceil(moment / SWEEPS_EVERY_MS) * SWEEPS_EVERY_MS;
}

function hex(rng: Rng, digits: number): string {
  let text = '';
  while (text.length < digits) text += rng.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
