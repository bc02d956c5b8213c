import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  HostRow,
  ReplicaRow,
  UploadHeadRow,
  UploadRow,
  type Version,
  VersionRow,
} from '../../lib/catalog/index.ts';
import type { CatalogStore, Change, Item, ItemKey } from '../../lib/shared/ports/catalogStore.ts';

/** A broken promise of the system. Ends the run; the seed repeats it. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

export function violated(what: string): never {
  throw new InvariantViolation(what);
}

/** Counts what a run reached: state edges, reasons, fault kinds. */
export class Counters {
  readonly counts = new Map<string, number>();
  /** The first broken invariant that was met inside a call: its caller may swallow what is thrown, the run may not. */
  violation: InvariantViolation | undefined;

  async watch<T>(look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof InvariantViolation) this.violation ??= error;
      throw error;
    }
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  add(other: ReadonlyMap<string, number>): void {
    for (const [name, count] of other) this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }
}

const UPLOAD_EDGES = new Set([
  'new→observed',
  'new→digesting',
  'new→quarantined',
  'new→cancelled',
  'new→ready',
  'observed→digesting',
  'observed→ready',
  'observed→quarantined',
  'observed→cancelled',
  'digesting→ready',
  'digesting→quarantined',
  'digesting→cancelled',
  'ready→quarantined',
]);

const REPLICA_EDGES = new Set([
  'new→reserved',
  'new→verified',
  'new→filling',
  'reserved→filling',
  'reserved→verified',
  'reserved→gone',
  'reserved→unknown',
  'filling→verified',
  'filling→gone',
  'filling→unknown',
  'verified→evicting',
  'verified→unknown',
  'verified→gone',
  'verified→reserved',
  'evicting→verified',
  'evicting→gone',
  'evicting→unknown',
  'unknown→verified',
  'unknown→gone',
  'unknown→reserved',
  'unknown→evicting',
]);

/**
 * Watches every committed write of the catalog: each changed row against the row before it. Stands below the faults, so it
 * sees what is true and not what a caller was told.
 */
export function watchCatalog(store: CatalogStore, counters: Counters): CatalogStore {
  async function transact(changes: readonly Change[]) {
    const before = await Promise.all(
      changes.map(async (change) => (isWatched(change) ? store.get(keyOf(change)) : undefined)),
    );
    const answer = await store.transact(changes);
    if (answer.outcome === 'conflict') {
      counters.count('catalog conflict');
      return answer;
    }
    for (const [index, change] of changes.entries()) {
      if (!isWatched(change)) continue;
      const after = await store.get(keyOf(change));
      await counters.watch(() => checkChange(store, counters, keyOf(change), before[index], after));
    }
    return answer;
  }
  return {
    get: (key) => store.get(key),
    query: (query) => store.query(query),
    queryIndex: (index, query) => store.queryIndex(index, query),
    transact,
  };
}

const UNWATCHED = ['OUTBOX#', 'ONCE#', 'CURSOR#', 'JOINTOKEN#'];

function isWatched(change: Change): boolean {
  const { partition } = keyOf(change);
  return change.kind !== 'check' && !UNWATCHED.some((prefix) => partition.startsWith(prefix));
}

function keyOf(change: Change): ItemKey {
  return change.kind === 'put' ? change.item.key : change.key;
}

async function checkChange(
  store: CatalogStore,
  counters: Counters,
  key: ItemKey,
  before: Item | undefined,
  after: Item | undefined,
): Promise<void> {
  const { partition, sort } = key;
  if (partition.startsWith('UPLOAD#') && sort.startsWith('VERSION#')) {
    if (after === undefined) return;
    const was = before === undefined ? 'new' : UploadRow.parse(before).value.state;
    const upload = UploadRow.parse(after).value;
    edge(counters, 'upload', UPLOAD_EDGES, was, upload.state, key);
    if (upload.quarantine !== undefined && was !== 'quarantined')
      counters.count(`quarantine: ${upload.quarantine.reason}`);
  } else if (partition.startsWith('UPLOAD#') && sort === 'HEAD') {
    checkHead(before, after, key);
  } else if (partition.startsWith('MODEL#') && sort.startsWith('VERSION#')) {
    await checkVersion(store, before, after, key);
    counters.count(before === undefined ? 'version published' : 'version changed');
  } else if (sort.startsWith('REPLICA#nvme')) {
    const was = before === undefined ? 'new' : ReplicaRow.parse(before).value.state;
    edge(
      counters,
      'replica',
      REPLICA_EDGES,
      was,
      after === undefined ? 'gone' : ReplicaRow.parse(after).value.state,
      key,
    );
  } else if (partition.startsWith('BLOB#') && sort === 'META') {
    checkBlob(counters, before, after, key);
  } else if (partition.startsWith('ACTION#')) {
    checkAction(counters, before, after, key);
  } else if (partition.startsWith('HOST#')) {
    checkHost(counters, before, after, key);
  }
}

function edge(
  counters: Counters,
  what: string,
  allowed: ReadonlySet<string>,
  from: string,
  to: string,
  key: ItemKey,
): void {
  if (from === to) return;
  const name = `${from}→${to}`;
  counters.count(`${what}: ${name}`);
  if (!allowed.has(name)) violated(`${key.partition} / ${key.sort} went ${name}, which no rule allows.`);
}

/** Sequencers of one key only grow: a tombstone beats any older put. */
function checkHead(before: Item | undefined, after: Item | undefined, key: ItemKey): void {
  if (after === undefined) violated(`${key.partition}: the head row was deleted; an old event could raise the dead.`);
  if (before === undefined) return;
  const [was, is] = [UploadHeadRow.parse(before).value, UploadHeadRow.parse(after).value];
  const width = Math.max(was.sequencer.length, is.sequencer.length);
  if (is.sequencer.padEnd(width, '0') < was.sequencer.padEnd(width, '0')) {
    violated(`${key.partition}: sequencer went back from ${was.sequencer} to ${is.sequencer}.`);
  }
}

/** A version appears complete, of clean blobs only, and its files never change. */
async function checkVersion(
  store: CatalogStore,
  before: Item | undefined,
  after: Item | undefined,
  key: ItemKey,
): Promise<void> {
  if (after === undefined) violated(`${key.partition} / ${key.sort}: a published version was deleted.`);
  const version: Version = VersionRow.parse(after).value;
  if (before !== undefined) {
    if (JSON.stringify(VersionRow.parse(before).value.files) !== JSON.stringify(version.files)) {
      violated(`${version.model}@${version.version}: the files of a published version changed.`);
    }
    return;
  }
  for (const file of version.files) {
    const blob = await BlobRow.get(store, file.digest);
    if (blob === undefined) violated(`${version.model}@${version.version}: ${file.file} has no blob.`);
    if (blob.value.findings.status !== 'clean') {
      violated(`${version.model}@${version.version}: ${file.file} is ${blob.value.findings.status} and servable.`);
    }
  }
}

function checkBlob(counters: Counters, before: Item | undefined, after: Item | undefined, key: ItemKey): void {
  if (after === undefined) violated(`${key.partition}: a blob row was deleted.`);
  const is: Blob = BlobRow.parse(after).value;
  if (before === undefined) return;
  const was = BlobRow.parse(before).value;
  if (was.origin.storageClass !== is.origin.storageClass) {
    counters.count(`origin: ${was.origin.storageClass}→${is.origin.storageClass}`);
  }
}

/** Not `expired`: a receipt that comes late still says what is true. */
const TERMINAL = new Set<Action['state']>(['done', 'failed', 'leaked', 'refused', 'superseded']);

/** An ended action never ends again: each command takes effect at most once. */
function checkAction(counters: Counters, before: Item | undefined, after: Item | undefined, key: ItemKey): void {
  if (after === undefined) violated(`${key.partition}: an action was deleted.`);
  const is = ActionRow.parse(after).value;
  const was = before === undefined ? undefined : ActionRow.parse(before).value;
  if (was === undefined) {
    counters.count(`decided ${is.type}: ${is.reason}`);
  } else if (was.state !== is.state) {
    counters.count(`action ${is.type}: ${was.state}→${is.state}`);
    if (is.receipt !== undefined) counters.count(`receipt ${is.type}: ${is.receipt.code}`);
    if (TERMINAL.has(was.state)) violated(`${key.partition} ended twice: ${was.state}→${is.state}.`);
  }
}

function checkHost(counters: Counters, before: Item | undefined, after: Item | undefined, key: ItemKey): void {
  if (after === undefined) violated(`${key.partition}: a host row was deleted.`);
  const is = HostRow.parse(after).value;
  if (before === undefined) return;
  const was = HostRow.parse(before).value;
  if (is.generation < was.generation) violated(`${key.partition}: generation went back.`);
  if (was.state !== is.state) counters.count(`host: ${was.state}→${is.state}`);
  if (is.generation === was.generation && is.publicKey !== was.publicKey) {
    violated(`${key.partition}: the key of generation ${is.generation} was replaced.`);
  }
  if (is.promisedBytes < 0) violated(`${key.partition}: promised bytes below zero.`);
}
