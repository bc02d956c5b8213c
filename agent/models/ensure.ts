import type { Problem, ResolvedModel } from '../../events/host-api/v1.ts';
import type { Digest, ModelKind, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { EpochMs } from '../../lib/shared/units.ts';
import type { FillFailure, FillOutcome } from '../nvme/fill.ts';
import { blobPath } from '../nvme/paths.ts';
import type { LeaseId } from '../nvme/records.ts';
import type { DiskTier } from '../nvme/volumes.ts';
import type { Store } from '../nvme/store.ts';
import { createAskMeter } from '../metrics/askMeter.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Accesses } from '../reports/accesses.ts';
import { versionedPath } from '../view/planView.ts';
import type { Answer, Resolver } from './resolver.ts';

type ResolvedFile = ResolvedModel['files'][number];

export interface EnsuredFile {
  readonly file: string;
  readonly role: ResolvedFile['role'];
  readonly kind: ModelKind;
  readonly digest: Digest;
  readonly size: number;
  /** Relative to the store's root, under `models/`. */
  readonly path: string;
}

/** What is known of the fetch of one version: `operation` in the local API. */
export type FetchState =
  | {
      readonly state: 'running';
      readonly bytesDone: number;
      readonly totalBytes: number;
      /** Undefined until bytes flow. */
      readonly secondsRemaining: number | undefined;
    }
  | { readonly state: 'done' }
  /** Archived at the origin; the plane has it restored. */
  | { readonly state: 'restoring'; readonly readyAt: EpochMs; readonly message: string }
  | { readonly state: 'failed'; readonly code: FillFailure; readonly message: string };

export type Ensured =
  | {
      readonly outcome: 'ready';
      readonly model: ModelName;
      readonly version: SemVer;
      /** Every file of the version; the first is the largest of the weights. */
      readonly files: readonly [EnsuredFile, ...EnsuredFile[]];
      readonly lease: LeaseId;
    }
  /** `operation` is what `fetchState` takes. */
  | { readonly outcome: 'fetching'; readonly operation: string; readonly fetch: FetchState }
  | {
      readonly outcome: 'restoring';
      readonly operation: string;
      readonly fetch: Extract<FetchState, { state: 'restoring' }>;
      readonly retryAfterSeconds: number;
    }
  | { readonly outcome: 'refused'; readonly problem: Problem }
  | { readonly outcome: 'failed'; readonly code: FillFailure; readonly message: string }
  | { readonly outcome: 'unreachable'; readonly message: string };

/** Makes a model ready for an inference process: all files of one version on the disk, leased together. */
export interface Models {
  /** Waits at most `waitMs` for missing bytes; the fetch goes on afterwards, and asking again joins it. */
  ensure(model: ModelName, reference: string, waitMs: number): Promise<Ensured>;
  /** The same for one blob, whatever models it is a file of. */
  ensureBlob(digest: Digest, waitMs: number): Promise<Ensured>;
  /** By version (`name@1.0.0`) or digest; undefined for what nobody asked this incarnation for. */
  fetchState(operation: string): FetchState | undefined;
  /** Resolves when no fetch that a process asked for is running. */
  settled(): Promise<void>;
}

export interface ModelsDeps {
  readonly store: Store;
  readonly resolver: Resolver;
  readonly accesses: Accesses;
  readonly meters: Meters;
  readonly clock: Clock;
  /** Told about each blob that was fetched, for the plane. */
  readonly onFetched: (digest: Digest, bytesBefore: number, bytesAfter: number) => Promise<void>;
}

const MOST_ENDED = 1000;

interface Fetching {
  readonly resolved: ResolvedModel;
  readonly startedAt: number;
  readonly bytesAtStart: number;
  readonly outcome: Promise<Extract<FillOutcome, { outcome: 'failed' }> | 'resident' | 'stopped'>;
}

export function createModels(deps: ModelsDeps): Models {
  const { store, clock } = deps;
  /** By version: whoever asks for a version that is being fetched waits for the same fetch. */
  const running = new Map<string, Fetching>();
  const ended = new Map<string, FetchState>();
  const asks = createAskMeter(deps.meters);

  async function fetchAll(resolved: ResolvedModel, askedAt: number): Promise<Awaited<Fetching['outcome']>> {
    const outcomes = await Promise.all(resolved.files.map((file) => fetchOne(resolved, file)));
    const failure = outcomes.find((one) => one.outcome === 'failed');
    if (failure !== undefined) return failure;
    if (outcomes.some((one) => one.outcome === 'stopped')) return 'stopped';
    const fetched = outcomes.some((one) => one.outcome === 'resident' && one.fetched);
    deps.meters.loaded(resolved.model, fetched ? 'origin' : slowestTier(resolved), asks.now() - askedAt);
    return 'resident';
  }

  /** What lies on SSD is served from there. */
  function slowestTier({ files }: ResolvedModel): DiskTier {
    return files.some(({ digest }) => store.tierOf(digest) === 'ssd') ? 'ssd' : 'nvme';
  }

  async function fetchOne(resolved: ResolvedModel, file: ResolvedFile): Promise<FillOutcome> {
    const { model, version, publishedAt } = resolved;
    const { digest, size, origin, kind, role } = file;
    const entries = [{ model, version, file: file.file, kind, role, publishedAt }];
    const fill = await store.fills.fetch({ digest, size, origin, entries, priority: 0 });
    if (fill.outcome === 'resident' && fill.fetched) await deps.onFetched(digest, fill.bytesBefore, fill.bytesAfter);
    // Beside a file that was missing; of that one the reservation told the policy.
    else if (fill.outcome === 'resident') store.accessed(digest);
    return fill;
  }

  /** What is fetched is held until `lease` has it, so that it cannot be evicted by the next fetch before anyone has used it. */
  function startFetch(key: string, resolved: ResolvedModel, askedAt: number): Fetching {
    const letGo = store.leases.hold(resolved.files.map((file) => file.digest));
    const outcome = fetchAll(resolved, askedAt)
      .then((end) => {
        remember(key, end);
        return end;
      })
      .finally(() => {
        running.delete(key);
        letGo();
      });
    const fetching = { resolved, startedAt: clock.now(), bytesAtStart: bytesDone(resolved), outcome };
    running.set(key, fetching);
    return fetching;
  }

  function bytesDone(resolved: ResolvedModel): number {
    return resolved.files.reduce((sum, { digest, size }) => {
      if (store.blob(digest)?.state === 'resident') return sum + size;
      return sum + (store.fills.progress(digest)?.bytesDone ?? 0);
    }, 0);
  }

  /** Undefined where the plane refused for another reason than that bytes are archived. */
  function restoring(operation: string, { readyAt, title, retryAfterSeconds = 60 }: Problem): Ensured | undefined {
    if (readyAt === undefined) return undefined;
    const fetch = { state: 'restoring', readyAt, message: title } as const;
    rememberState(operation, fetch);
    return { outcome: 'restoring', operation, fetch, retryAfterSeconds };
  }

  function remember(key: string, end: Awaited<Fetching['outcome']>): void {
    if (end === 'stopped') return;
    rememberState(
      key,
      end === 'resident' ? { state: 'done' } : { state: 'failed', code: end.code, message: end.message },
    );
  }

  function rememberState(key: string, state: FetchState): void {
    ended.delete(key);
    ended.set(key, state);
    const oldest = ended.size > MOST_ENDED ? ended.keys().next() : undefined;
    if (oldest?.done === false) ended.delete(oldest.value);
  }

  function progressOf({ resolved, startedAt, bytesAtStart }: Fetching): FetchState {
    const done = bytesDone(resolved);
    const totalBytes = resolved.files.reduce((sum, { size }) => sum + size, 0);
    const seconds = (clock.now() - startedAt) / 1000;
    const rate = seconds > 0 ? (done - bytesAtStart) / seconds : 0;
    const secondsRemaining = rate > 0 ? Math.ceil((totalBytes - done) / rate) : undefined;
    return { state: 'running', bytesDone: done, totalBytes, secondsRemaining };
  }

  async function leaseAll(resolved: ResolvedModel, answer: Answer, hit: boolean): Promise<Ensured | undefined> {
    const files = [...resolved.files].sort(weightsFirst).map((file) => ensuredFile(resolved, file));
    const [first, ...rest] = files;
    if (first === undefined) return undefined;
    const told = answer === 'fresh' ? resolved.files : [];
    const lease = await store.lease(
      files.map((file) => file.digest),
      new Map(told.map(({ digest, origin }) => [digest, origin])),
    );
    if (lease === undefined) return undefined;
    for (const { digest, size } of files) {
      if (hit) store.accessed(digest);
      deps.accesses.record(digest, hit);
      deps.meters.opened(store.tierOf(digest) ?? 'nvme', size);
    }
    const { model, version } = resolved;
    return { outcome: 'ready', model, version, files: [first, ...rest], lease: lease.id };
  }

  function ensuredFile(resolved: ResolvedModel, file: ResolvedFile): EnsuredFile {
    const { model, version, publishedAt } = resolved;
    const { digest, size, kind, role } = file;
    const entry = { model, version, file: file.file, kind, role, publishedAt };
    const path = inView(resolved, file) ? versionedPath(entry) : blobPath(digest, store.blob(digest)?.volume);
    return { file: file.file, role, kind, digest, size, path };
  }

  function inView({ model, version }: ResolvedModel, { digest, file }: ResolvedFile): boolean {
    const entries = store.blob(digest)?.entries ?? [];
    return entries.some((one) => one.model === model && one.version === version && one.file === file);
  }

  /** `key` names the fetch: what was asked for in full is not joined to what was asked for in part. */
  async function ensureResolved(
    key: string,
    resolved: ResolvedModel,
    answer: Answer,
    waitMs: number,
    askedAt: number,
  ): Promise<Ensured> {
    const letGo = store.leases.hold(resolved.files.map((file) => file.digest));
    try {
      const named = resolved.files.every((file) => inView(resolved, file));
      const atHand = named ? await leaseAll(resolved, answer, true) : undefined;
      if (atHand !== undefined) {
        if (asks.answered(key, askedAt, 'at-once') === 'hit') {
          deps.meters.loaded(resolved.model, slowestTier(resolved), asks.now() - askedAt);
        }
        return atHand;
      }
      if (answer === 'remembered')
        return { outcome: 'unreachable', message: 'The plane cannot be reached, and not all files are here.' };
      const fetching = running.get(key) ?? startFetch(key, resolved, askedAt);
      const end = await Promise.race([fetching.outcome, clock.sleep(waitMs).then(() => 'waited' as const)]);
      const stillFetching = { outcome: 'fetching', operation: key, fetch: progressOf(fetching) } as const;
      if (end === 'waited' || end === 'stopped') return asks.putOff(key, askedAt, stillFetching);
      if (end !== 'resident') return { outcome: 'failed', code: end.code, message: end.message };
      const leased = await leaseAll(resolved, answer, false);
      if (leased === undefined) return asks.putOff(key, askedAt, stillFetching);
      asks.answered(key, askedAt, 'after-a-wait');
      return leased;
    } finally {
      letGo();
    }
  }

  return {
    async ensure(model, reference, waitMs) {
      const askedAt = asks.now();
      const resolution = await deps.resolver.resolve(model, reference);
      if (resolution.outcome === 'refused') return restoring(`${model}@${reference}`, resolution.problem) ?? resolution;
      if (resolution.outcome !== 'resolved') return asks.failing('', resolution);
      const resolved = resolution.model;
      const key = `${resolved.model}@${resolved.version}`;
      return asks.failing(key, await ensureResolved(key, resolved, resolution.answer, waitMs, askedAt));
    },
    async ensureBlob(digest, waitMs) {
      const askedAt = asks.now();
      const resolution = await deps.resolver.resolveBlob(digest);
      if (resolution.outcome === 'refused') return restoring(digest, resolution.problem) ?? resolution;
      if (resolution.outcome !== 'resolved') return asks.failing('', resolution);
      const { model, answer } = resolution;
      return asks.failing(digest, await ensureResolved(digest, model, answer, waitMs, askedAt));
    },
    fetchState(operation) {
      const fetching = running.get(operation);
      return fetching === undefined ? ended.get(operation) : progressOf(fetching);
    },
    async settled() {
      while (running.size > 0) await Promise.allSettled([...running.values()].map((one) => one.outcome));
    },
  };
}

function weightsFirst(one: ResolvedFile, other: ResolvedFile): number {
  const rank = (file: ResolvedFile) => (file.role === 'weights' ? 0 : 1);
  return rank(one) - rank(other) || other.size - one.size || (one.file < other.file ? -1 : 1);
}
