import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import {
  AuditEntryRow,
  expectationOf,
  type SealHead,
  SealHeadRow,
  settle,
  type Unsealed,
  UNSEALED_SHARDS,
  UnsealedRow,
  type Versioned,
} from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { type DurationMs, EpochMs, SECOND_MS } from '../shared/units.ts';
import { AuditError } from './errors.ts';
import { entryHash, NOTHING_BEFORE } from './hashes.ts';
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
 * oldest of them has waited. Safe to repeat, to be killed and to run twice at once.
 * @throws AuditError `seal-mismatch`, `entry-missing`
 */
export async function sealTrail(deps: SealDeps, call: SealCall): Promise<void> {
  await checkHead(deps);
  let missing: readonly Unsealed[] = [];
  let told = false;
  while (call.remainingMs() > RESERVE_MS) {
    const head = await SealHeadRow.get(deps.catalog);
    const stored = await readSeal(deps.seals, (head?.value.number ?? 0) + 1);
    if (stored !== undefined) {
      await adopt(deps, head, stored, call);
      continue;
    }
    const gathered = await gather(deps.catalog);
    const now = deps.clock.now();
    if (!told) call.telemetry.metric('AuditLag', 'Milliseconds', Math.max(0, now - (gathered.oldest ?? now)));
    told = true;
    ({ missing } = gathered);
    if (gathered.entries.length === 0) break;
    const { number = 0, hash = NOTHING_BEFORE } = head?.value ?? {};
    const { entries } = gathered;
    const seal = { schema: 'audit-seal/1' as const, number: number + 1, previous: hash, sealedAt: now, entries };
    await writeSeal(deps.seals, seal, EpochMs.parse(now + deps.settings.auditRetentionMs));
  }
  const [lost] = missing;
  if (lost === undefined) return;
  throw new AuditError({
    code: 'entry-missing',
    message: `Entry ${lost.number} of ${lost.object} waits for its seal and is not in the catalog. Run \`strata audit verify\`.`,
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
  readonly missing: readonly Unsealed[];
  /** When the oldest of them was written. */
  readonly oldest: number | undefined;
}

async function gather(catalog: CatalogStore): Promise<Gathered> {
  const entries: AuditEntry[] = [];
  const missing: Unsealed[] = [];
  let oldest: number | undefined;
  for (let shard = 0; shard < UNSEALED_SHARDS; shard += 1) {
    let cursor: string | undefined;
    do {
      const limit = MOST_ENTRIES - entries.length;
      if (limit === 0) return { entries, missing, oldest };
      const partition = `UNSEALED#${shard}`;
      const page = await catalog.query({ partition, limit, ...(cursor === undefined ? {} : { cursor }) });
      for (const item of page.items) {
        const { value } = UnsealedRow.parse(item);
        const entry = (await AuditEntryRow.get(catalog, value.object, value.number))?.value;
        oldest = Math.min(oldest ?? value.at, value.at);
        if (entry === undefined) missing.push(value);
        else entries.push(entry);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return { entries, missing, oldest };
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
  for (const sealed of seal.entries) {
    const entry = (await AuditEntryRow.get(deps.catalog, sealed.object, sealed.number))?.value;
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
    for (const { object, number } of entries) {
      const row = await UnsealedRow.get(catalog, object, number);
      if (row === undefined) continue;
      changes.push({ kind: 'delete', key: UnsealedRow.key(object, number), expect: { version: row.version } });
    }
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
