import {
  OUTBOX_SHARDS,
  OutboxRow,
  queryAll,
  sortableTime,
  TOMBSTONE_SHARDS,
  TombstoneRow,
  UNSEALED_SHARDS,
  UnsealedRow,
  UPLOAD_SHARDS,
} from '../catalog/index.ts';
import { STALE_DAYS } from '../pricing/index.ts';
import { type PricesDeps, readPrices } from '../priceBooks/index.ts';
import { errorText } from '../shared/errors.ts';
import type { CatalogStore, Page } from '../shared/ports/catalogStore.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { formatCount } from '../shared/formatCount.ts';
import { DAY_MS, EpochMs, formatBytes, GB, MINUTE_MS } from '../shared/units.ts';
import type { DeadLetters, WorkQueue } from './ports.ts';
import type { DoctorCheck, HostView } from './views.ts';

export interface DoctorDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly deadLetters: DeadLetters;
  readonly workQueues: () => Promise<readonly WorkQueue[]>;
  readonly listHosts: () => Promise<readonly HostView[]>;
  readonly settings: PricesDeps['settings'];
  /** Of the disk that catalog, queues and bucket lie on; undefined where they lie on none of ours. */
  readonly room?: (() => Promise<Room>) | undefined;
}

export interface Room {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** The relay sweeps each minute; two missed sweeps are a failure. */
const OUTBOX_LATE_MS = 3 * MINUTE_MS;
/** The reconciler tells again after 10 minutes, a digest call takes up to 7 and comes again 20 after it was last heard of. */
const UPLOAD_LATE_MS = 30 * MINUTE_MS;
/** A message that was delivered so often has failed twice, half a minute apart at least. */
const MANY_DELIVERIES = 3;
/**
 * The part of its disk that must be free. Of a small one as much as rows, messages and logs need until somebody comes; of a large one
 * no more than a large model takes, since a disk is there to be filled.
 */
const ROOM = { part: 0.02, leastBytes: GB, mostBytes: 50 * GB };
/** Six runs of the sealer. */
const AUDIT_LATE_MS = 30 * MINUTE_MS;

type Check = readonly [string, () => Promise<Finding>];

interface Finding {
  readonly ok: boolean;
  readonly detail: string;
  readonly fix?: string;
}

/** Checks what the plane depends on and what it promises. A check that cannot be made has failed; it never rejects. */
export async function doctor(deps: DoctorDeps, now: EpochMs): Promise<readonly DoctorCheck[]> {
  const checks: readonly Check[] = [
    ['catalog', () => reachable(deps.catalog.get({ partition: 'DOCTOR', sort: 'META' }))],
    // A read: a look at an object finds it absent also where there is no bucket.
    ['bucket', () => reachable(deps.objects.readRange('uploads/doctor', 'null', 0, 1))],
    ...roomChecks(deps.room),
    ['outbox', () => outboxIsSent(deps.catalog, now)],
    ['queues', () => queuesMove(deps, now)],
    ['uploads', () => uploadsMove(deps.catalog, now)],
    ['prices', () => pricesAreFresh(deps, now)],
    ['audit', () => auditIsSealed(deps.catalog, now)],
    ['dead-letters', () => deadLettersAreEmpty(deps.deadLetters)],
    ['hosts', () => hostsSpeak(deps)],
    ['volumes', () => volumesWork(deps)],
    ['purges', () => purgesEnd(deps.catalog, now)],
  ];
  const results: DoctorCheck[] = [];
  for (const [check, run] of checks) results.push(await result(check, run));
  return results;
}

async function result(check: string, run: () => Promise<Finding>): Promise<DoctorCheck> {
  try {
    const { ok, detail, fix } = await run();
    return { check, status: ok ? 'PASSED' : 'FAILED', detail, ...(fix === undefined ? {} : { fix }) };
  } catch (error) {
    return { check, status: 'FAILED', detail: errorText(error), fix: 'Check that the store runs and may be reached.' };
  }
}

async function reachable(call: Promise<unknown>): Promise<Finding> {
  await call;
  return { ok: true, detail: 'answers' };
}

function roomChecks(room: DoctorDeps['room']): readonly Check[] {
  if (room === undefined) return [];
  return [['room', async () => thereIsRoom(await room())]];
}

function thereIsRoom({ totalBytes, freeBytes }: Room): Finding {
  const wanted = Math.min(ROOM.mostBytes, Math.max(ROOM.leastBytes, Math.floor(ROOM.part * totalBytes)));
  const detail = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free on the disk of the data folder; ${formatBytes(wanted)} should be`;
  if (freeBytes >= wanted) return { ok: true, detail };
  const fix =
    'Make room there: on a full disk nothing is uploaded, decided or reported. `strata rm` frees bytes only after its undo window.';
  return { ok: false, detail, fix };
}

async function outboxIsSent(catalog: CatalogStore, now: EpochMs): Promise<Finding> {
  let oldest = now;
  for (let shard = 0; shard < OUTBOX_SHARDS; shard += 1) {
    const [first] = (await catalog.query({ partition: `OUTBOX#${shard}`, limit: 1 })).items;
    if (first !== undefined) oldest = EpochMs.parse(Math.min(oldest, OutboxRow.parse(first).value.createdAt));
  }
  const lateMs = now - oldest;
  if (lateMs < OUTBOX_LATE_MS) return { ok: true, detail: 'nothing waits for long' };
  const detail = `a message has waited ${formatCount(Math.round(lateMs / MINUTE_MS), 'minute')}`;
  return { ok: false, detail, fix: 'See the errors of the function `relay`.' };
}

async function queuesMove({ workQueues }: DoctorDeps, now: EpochMs): Promise<Finding> {
  const queues = await workQueues();
  const failing = queues.flatMap((queue) => {
    const found = lateText(queue, now);
    return found === undefined ? [] : [{ functionName: queue.functionName, found }];
  });
  if (failing.length > 0) {
    const names = [...new Set(failing.map(({ functionName }) => `\`${functionName}\``))];
    const fix = `See the errors of the function${names.length === 1 ? '' : 's'} ${names.join(', ')}.`;
    return { ok: false, detail: failing.map(({ found }) => found).join('; '), fix };
  }
  const full = queues.filter(({ inHand, waiting }) => waiting + inHand > 0);
  if (full.length === 0) return { ok: true, detail: 'no message waits for its function' };
  const detail = full.map(({ queue, inHand, waiting }) => `${queue}: ${waiting} waiting, ${inHand} in hand`).join('; ');
  // SQS tells ages as a metric alone, of which there are alarms.
  const unknown = full.some(({ oldest }) => oldest === undefined) ? ' (for how long, the alarms `…-late` know)' : '';
  return { ok: true, detail: detail + unknown };
}

function lateText({ lateAfterMs, oldest, queue }: WorkQueue, now: EpochMs): string | undefined {
  if (oldest === undefined) return undefined;
  if (oldest.deliveries >= MANY_DELIVERIES) return `${queue}: a message was delivered ${oldest.deliveries} times`;
  const ageMs = now - oldest.sentAt;
  if (ageMs < lateAfterMs) return undefined;
  return `${queue}: a message has waited ${formatCount(Math.round(ageMs / MINUTE_MS), 'minute')}`;
}

async function uploadsMove(catalog: CatalogStore, now: EpochMs): Promise<Finding> {
  const before = sortableTime(EpochMs.parse(Math.max(0, now - UPLOAD_LATE_MS)));
  let late = 0;
  for (let shard = 0; shard < UPLOAD_SHARDS; shard += 1) {
    const page = await catalog.queryIndex('due', { partition: `DUE#UPLOAD#${shard}`, to: before, limit: 100 });
    late += page.items.length;
  }
  if (late === 0) return { ok: true, detail: 'every upload has its verdict or moves towards it' };
  return {
    ok: false,
    detail: `${formatCount(late, 'upload')} ${late === 1 ? 'has' : 'have'} stood still for half an hour`,
    fix: 'See `strata ls --uploads digesting`, then the errors of the functions `ingest` and `digest`.',
  };
}

async function pricesAreFresh(deps: DoctorDeps, now: EpochMs): Promise<Finding> {
  const { book, checkedAt } = await readPrices(deps);
  const days = Math.floor(Math.max(0, now - checkedAt) / DAY_MS);
  const detail = `${book.id}@${book.asOf} was compared with its source ${formatCount(days, 'day')} ago`;
  if (days < STALE_DAYS) return { ok: true, detail };
  return {
    ok: false,
    detail,
    fix: 'Run `strata prices refresh --out FILE` and `strata prices accept FILE`, or give the plane `--price-lists`; see docs/prices.md.',
  };
}

async function auditIsSealed(catalog: CatalogStore, now: EpochMs): Promise<Finding> {
  let oldest = now;
  for (let shard = 0; shard < UNSEALED_SHARDS; shard += 1) {
    // All of them: they lie in the order of their objects.
    const items = await queryAll(catalog, { partition: `UNSEALED#${shard}` });
    for (const item of items) oldest = EpochMs.parse(Math.min(oldest, UnsealedRow.parse(item).value.at));
  }
  const lateMs = now - oldest;
  if (lateMs < AUDIT_LATE_MS) return { ok: true, detail: 'what was decided is locked away in time' };
  const detail = `an audit entry has waited ${formatCount(Math.round(lateMs / MINUTE_MS), 'minute')} for its seal`;
  return { ok: false, detail, fix: 'See the errors of the function `seal-audit`, and `strata audit verify`.' };
}

/** A purge that is stuck is due when it is tried again: within a day, or before now where nobody has tried it since. */
async function purgesEnd(catalog: CatalogStore, now: EpochMs): Promise<Finding> {
  const to = sortableTime(EpochMs.parse(now + DAY_MS));
  const stuck: string[] = [];
  for (let shard = 0; shard < TOMBSTONE_SHARDS; shard += 1) {
    let page: Page | undefined;
    do {
      const after = page?.cursor === undefined ? {} : { cursor: page.cursor };
      page = await catalog.queryIndex('due', { partition: `DUE#TOMBSTONE#${shard}`, to, limit: 100, ...after });
      for (const item of page.items) {
        const { content, stuck: found } = TombstoneRow.parse(item).value;
        if (found !== undefined) stuck.push(`${content.model}@${content.version} (${found.digest.slice(0, 12)})`);
      }
    } while (page.cursor !== undefined);
  }
  if (stuck.length === 0) return { ok: true, detail: 'every purge ends' };
  const fix =
    'The bucket has another object than was judged: see `strata explain NAME@VERSION`. It is tried again daily.';
  return { ok: false, detail: `stuck: ${stuck.join(', ')}`, fix };
}

async function deadLettersAreEmpty(deadLetters: DeadLetters): Promise<Finding> {
  const full = (await deadLetters.list()).filter(({ messages }) => messages > 0);
  if (full.length === 0) return { ok: true, detail: 'no message failed for good' };
  return {
    ok: false,
    detail: full.map(({ queue, messages }) => `${queue}: ${messages}`).join(', '),
    fix: 'Repair the cause, then `strata dlq redrive <queue>`.',
  };
}

async function hostsSpeak({ listHosts }: DoctorDeps): Promise<Finding> {
  const hosts = await listHosts();
  const silent = hosts.filter(({ state }) => state === 'silent');
  if (silent.length === 0) return { ok: true, detail: `${formatCount(hosts.length, 'host')}, none silent` };
  return {
    ok: false,
    detail: `silent: ${silent.map(({ id }) => id).join(', ')}`,
    fix: 'Check `systemctl status strata-agent` on them.',
  };
}

async function volumesWork({ listHosts }: DoctorDeps): Promise<Finding> {
  const failed = (await listHosts()).flatMap(({ id, volumes = [] }) =>
    volumes.filter(({ state }) => state === 'failed').map(({ name }) => `${name} of ${id}`),
  );
  if (failed.length === 0) return { ok: true, detail: 'no volume of a host has failed' };
  const fix = 'Repair or replace them, then restart the agent there; it does without them meanwhile.';
  return { ok: false, detail: failed.join(', '), fix };
}
