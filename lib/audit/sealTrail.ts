import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import {
  expectationOf,
  type SealHead,
  SealHeadRow,
  settle,
  type Unsealed,
  UNSEALED_SHARDS,
  UnsealedRow,
  type Versioned,
} from '../catalog/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { CatalogStore, Change, Item } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { type DurationMs, EpochMs, SECOND_MS } from '../shared/units.ts';
import { AuditError } from './errors.ts';
import { entryHash, NOTHING_BEFORE } from './hashes.ts';
import { findEntries, READS_AT_ONCE } from './history.ts';
import { readSeal, type SealObjects, type StoredSeal, writeSeal } from './sealObjects.ts';

/*
 * A seal's life: gathered → locked under its number (if nobody was faster) → adopted: checked, its entries' unsealed rows deleted → the
 * head names it. Only what lies in the bucket is adopted, whoever wrote it, so a run that was cut off is finished by the next one, and
 * two runs end in the same rows. The next number is not looked at before the head names this one.
 */

export interface SealDeps {
  readonly catalog: CatalogStore;
  readonly seals: SealObjects;
  readonly clock: Clock;
  /** How long nobody can remove a seal. */
  readonly settings: { readonly auditRetentionMs: DurationMs };
}

export interface SealCall {
  readonly telemetry: Telemetry;
  readonly remainingMs: () => number;
}

/** An entry with 50 reasons takes about 4 kB, so a seal stays far below what one call may write. */
const MOST_ENTRIES = 500;
const DELETED_AT_ONCE = 50;
/** Time that one more seal may take. */
const RESERVE_MS = 20 * SECOND_MS;

/**
 * Locks every entry away that no seal holds yet, in as many seals as it takes and time allows. The metric `AuditLag` says how long the
 * oldest of those that it came to has waited; where time ended it, at least how old the newest seal is. Safe to repeat, to be killed and to run twice at once.
 * @throws AuditError `seal-mismatch`, `entry-missing`
 */
export async function sealTrail(deps: SealDeps, call: SealCall): Promise<void> {
  await checkHead(deps);
  const run: { lag: number | undefined } = { lag: undefined };
  try {
    await sealAll(deps, call, run);
  } finally {
    // Also of a run that failed.
    if (run.lag !== undefined) call.telemetry.metric('AuditLag', 'Milliseconds', run.lag);
  }
}

async function sealAll(deps: SealDeps, call: SealCall, run: { lag: number | undefined }): Promise<void> {
  const waited = (since: number) => {
    run.lag = Math.max(run.lag ?? 0, deps.clock.now() - since);
  };
  let missing: readonly string[] = [];
  let done = false;
  while (call.remainingMs() > RESERVE_MS) {
    const head = await SealHeadRow.get(deps.catalog);
    const stored = await readSeal(deps.seals, (head?.value.number ?? 0) + 1);
    if (stored !== undefined) {
      await adopt(deps, head, stored, call);
      continue;
    }
    const gathered = await gather(deps.catalog, head?.value.number ?? 0);
    const now = deps.clock.now();
    waited(gathered.oldest ?? now);
    ({ missing } = gathered);
    done = gathered.entries.length === 0;
    if (done) break;
    const { number = 0, hash = NOTHING_BEFORE } = head?.value ?? {};
    const { entries } = gathered;
    const seal = { schema: 'audit-seal/1' as const, number: number + 1, previous: hash, sealedAt: now, entries };
    await writeSeal(deps.seals, seal, EpochMs.parse(now + deps.settings.auditRetentionMs));
  }
  if (!done) waited((await SealHeadRow.get(deps.catalog))?.value.sealedAt ?? deps.clock.now());
  const [lost] = missing;
  if (lost === undefined) return;
  throw new AuditError({
    code: 'entry-missing',
    message: `${lost} waits for its seal and is not in the catalog, or cannot be read there. Run \`strata audit verify\`.`,
    retryable: false,
  });
}

/** A head that names another seal than the one in the bucket was not written here. */
async function checkHead(deps: SealDeps): Promise<void> {
  const head = (await SealHeadRow.get(deps.catalog))?.value;
  if (head === undefined) return;
  const stored = await readSeal(deps.seals, head.number);
  if (stored?.hash !== head.hash) throw mismatch(head.number, 'is not the one that the catalog knows');
}

interface Gathered {
  /** Each object's in their order and without a gap, continuing what the seals hold of it. */
  readonly entries: AuditEntry[];
  /** Names of those that are not there or cannot be read. */
  readonly missing: readonly string[];
  /** When the oldest of them was written. */
  readonly oldest: number | undefined;
}

/** Begins at another shard after each seal: otherwise the first ones could keep the last ones from their seals. */
async function gather(catalog: CatalogStore, begin: number): Promise<Gathered> {
  const entries: AuditEntry[] = [];
  const missing: string[] = [];
  let oldest: number | undefined;
  for (let nth = 0; nth < UNSEALED_SHARDS; nth += 1) {
    let cursor: string | undefined;
    do {
      const limit = MOST_ENTRIES - entries.length;
      if (limit === 0) return { entries, missing, oldest };
      const partition = `UNSEALED#${(begin + nth) % UNSEALED_SHARDS}`;
      const page = await catalog.query({ partition, limit, ...(cursor === undefined ? {} : { cursor }) });
      const waiting = page.items.flatMap((item) => parsed(item, missing));
      const found = await findEntries(catalog, waiting);
      for (const [index, { object, number, at }] of waiting.entries()) {
        const entry = found[index];
        oldest = Math.min(oldest ?? at, at);
        if (entry === undefined) missing.push(`Entry ${number} of ${object}`);
        else entries.push(entry);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return { entries, missing, oldest };
}

function parsed(item: Item, unreadable: string[]): readonly Unsealed[] {
  try {
    return [UnsealedRow.parse(item).value];
  } catch {
    unreadable.push(`What row ${item.key.partition} ${item.key.sort} names`);
    return [];
  }
}

async function adopt(
  deps: SealDeps,
  head: Versioned<SealHead> | undefined,
  { number, hash, seal }: StoredSeal,
  call: SealCall,
): Promise<void> {
  if (seal?.number !== number || seal.previous !== (head?.value.hash ?? NOTHING_BEFORE)) {
    throw mismatch(number, 'does not continue the one before it');
  }
  const found = await findEntries(deps.catalog, seal.entries);
  for (const [index, sealed] of seal.entries.entries()) {
    const entry = found[index];
    if (entry === undefined || entryHash(entry) !== entryHash(sealed)) {
      throw mismatch(
        number,
        `holds entry ${sealed.number} of ${sealed.object}, which the catalog has not or has otherwise`,
      );
    }
  }
  for (let from = 0; from < seal.entries.length; from += DELETED_AT_ONCE) {
    await forgetUnsealed(deps.catalog, seal.entries.slice(from, from + DELETED_AT_ONCE));
  }
  const { sealedAt } = seal;
  // A conflict says that another run has adopted it.
  const named = await deps.catalog.transact([SealHeadRow.put({ number, hash, sealedAt }, expectationOf(head))]);
  if (named.outcome !== 'committed') return;
  call.telemetry.info('audit-sealed', { seal: number, entries: seal.entries.length, hash });
  call.telemetry.metric('AuditEntriesSealed', 'Count', seal.entries.length);
}

async function forgetUnsealed(catalog: CatalogStore, entries: readonly AuditEntry[]): Promise<void> {
  await settle(catalog, 'The seal', async () => {
    const changes: Change[] = [];
    await eachOf(entries, READS_AT_ONCE, async ({ object, number }) => {
      const row = await UnsealedRow.get(catalog, object, number);
      if (row === undefined) return;
      changes.push({ kind: 'delete', key: UnsealedRow.key(object, number), expect: { version: row.version } });
    });
    return { changes, answer: undefined };
  });
}

function mismatch(number: number, what: string): AuditError {
  return new AuditError({
    code: 'seal-mismatch',
    message: `Seal ${number} ${what}. Nothing is sealed until that is understood: run \`strata audit verify\`.`,
    retryable: false,
  });
}
