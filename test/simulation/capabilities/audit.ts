import { hash as digestOf } from 'node:crypto';
import { type AuditEntry, AuditSeal } from '../../../events/audit-seal/v1.ts';
import { verifyTrail } from '../../../lib/audit/index.ts';
import { AuditEntryRow, BlobRow, UnsealedRow, UploadRow, VersionRow } from '../../../lib/catalog/index.ts';
import { canonicalJson, type Json } from '../../../lib/shared/canonicalJson.ts';
import type { CatalogStore, Item } from '../../../lib/shared/ports/catalogStore.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const NOTHING = '0'.repeat(64);
const hashes = new WeakMap<object, string>();

/** Not the product's own: an edit of that must not deceive this. What is frozen, as all that was read of a row, is hashed once. */
function hash(value: Exclude<Json, string | number | boolean | null>): string {
  const known = hashes.get(value);
  if (known !== undefined) return known;
  const text = digestOf('sha256', canonicalJson(value));
  if (Object.isFrozen(value)) hashes.set(value, text);
  return text;
}

/**
 * Every verdict has its audit entry from the same moment on; entries are chained, and never change; none is forgotten before a locked
 * seal holds it; seals are chained, hold each entry once, and hold everything in the end. Whoever changes the trail is found.
 */
export function audit(stage: Stage, rng: Rng): Capability {
  const { catalog, seals, counters } = stage;
  const [readEntry, readUnsealed] = [rowReader(AuditEntryRow), rowReader(UnsealedRow)];
  const [readUpload, readBlob, readVersion] = [rowReader(UploadRow), rowReader(BlobRow), rowReader(VersionRow)];
  const chains = new Map<string, AuditEntry[]>();
  const sealed = new Map<string, string>();
  /** To verify a whole trail once more costs more than most of a run's checks. */
  const tampers = rng.chance(0.35);
  let last = { number: 0, hash: NOTHING };

  function onEntry({ key, before, after }: RowChange): void {
    if (before !== undefined || after === undefined) violated(`${key.partition} ${key.sort} was changed or removed.`);
    const entry = readEntry(after);
    const chain = chains.get(entry.object) ?? [];
    const previous = chain.at(-1);
    if (entry.number !== chain.length + 1) violated(`${entry.object}: entry ${entry.number} after ${chain.length}.`);
    if (entry.previous !== (previous === undefined ? NOTHING : hash(previous)))
      violated(`${entry.object}: entry ${entry.number} is not chained to the one before it.`);
    chains.set(entry.object, [...chain, entry]);
    counters.count(`audit ${entry.action}`);
  }

  /** What is committed, in the order in which it was: a row is shown before the entry of the same transaction. */
  const history = (object: string): readonly AuditEntry[] =>
    [...catalog.committedIn(AuditEntryRow.key(object, 1).partition)].map(readEntry);

  function onVerdict({ key, after }: RowChange): void {
    if (after === undefined) return;
    if (key.partition.startsWith('UPLOAD#') && key.sort.startsWith('VERSION#')) {
      const upload = readUpload(after);
      const entries = history(upload.key);
      const entry = entries.findLast(({ bytes }) => bytes?.versionId === upload.versionId);
      const findings = upload.findings === undefined ? undefined : hash(upload.findings);
      if (entry?.verdict?.findings !== findings) violated(`${upload.key} has a verdict without its audit entry.`);
      if (upload.quarantine !== undefined && entry?.reason !== upload.quarantine.reason)
        violated(`${upload.key} is in quarantine, and its audit entry says ${entry?.reason}.`);
    } else if (key.partition.startsWith('BLOB#') && key.sort === 'META') {
      const { digest, findings } = readBlob(after);
      const entry = history(`blobs/${digest}`).at(-1);
      if (entry?.verdict?.findings !== hash(findings)) violated(`${digest} has a verdict without its audit entry.`);
    } else if (key.partition.startsWith('MODEL#') && key.sort.startsWith('VERSION#')) {
      const { model, version, withdrawn } = readVersion(after);
      const entry = history(`${model}@${version}`).at(-1);
      if ((withdrawn !== undefined) !== (entry?.action === 'withdrawn'))
        violated(`${model}@${version} was withdrawn or came back without an audit entry.`);
    }
  }

  async function readSeals(): Promise<void> {
    for (;;) {
      const number = last.number + 1;
      const key = `seals/${String(number).padStart(12, '0')}.json`;
      const { versions } = await seals.listVersions({ prefix: key, limit: 10 });
      const [first, another] = versions;
      if (first === undefined) return;
      if (another !== undefined) violated(`Seal ${number} was written twice.`);
      const read = await seals.readRange(key, first.versionId, 0, first.size);
      if (read.outcome !== 'read') violated(`Seal ${number} cannot be read.`);
      const seal = AuditSeal.parse(JSON.parse(new TextDecoder().decode(read.bytes)));
      if (seal.number !== number || seal.previous !== last.hash) violated(`Seal ${number} is not chained.`);
      for (const entry of seal.entries) {
        const name = `${entry.object} ${entry.number}`;
        if (sealed.has(name)) violated(`${name} is in two seals.`);
        const known = chains.get(entry.object)?.[entry.number - 1];
        const entryHash = hash(entry);
        if (known === undefined || hash(known) !== entryHash) violated(`Seal ${number} contradicts ${name}.`);
        sealed.set(name, entryHash);
      }
      last = { number, hash: digestOf('sha256', read.bytes) };
      counters.count('audit seal');
    }
  }

  async function onUnsealed({ before, after }: RowChange): Promise<void> {
    if (after !== undefined || before === undefined) return;
    const { object, number } = readUnsealed(before);
    await readSeals();
    if (!sealed.has(`${object} ${number}`)) violated(`${object} ${number} was forgotten and is in no seal.`);
  }

  /** Someone rewrites the catalog behind the plane's back: the verification, which reads what is left, must find it. */
  async function tamper(): Promise<void> {
    const long = [...chains.values()].filter(({ length }) => length > 1);
    if (long.length === 0) return;
    const chain = rng.pick(long);
    const [{ object }] = chain as [AuditEntry];
    const victim = 1 + rng.below(chain.length);
    const kind = rng.pick(['altered', 'truncated', 'missing'] as const);
    const change = (item: Item): readonly Item[] => {
      const entry = readEntry(item);
      if (kind === 'truncated') return entry.number >= victim ? [] : [item];
      if (entry.number !== victim) return [item];
      return kind === 'missing' ? [] : [{ ...item, body: { ...item.body, at: entry.at + 1 } }];
    };
    const forged: CatalogStore = {
      ...catalog,
      async query(query) {
        const page = await catalog.query(query);
        return query.partition === `AUDIT#${object}` ? { ...page, items: page.items.flatMap(change) } : page;
      },
    };
    const { broken } = await verifyTrail({ catalog: forged, seals });
    counters.count(`audit tampering found: ${broken?.what}`);
    if (broken === undefined) violated(`Entry ${victim} of ${object} was ${kind}, and nobody noticed.`);
    if (broken.object !== object || broken.number !== victim)
      violated(`Entry ${victim} of ${object} was ${kind}; found was ${canonicalJson({ ...broken })}.`);
  }

  /** Nobody waits for the next moment of the schedule once all else is at rest. */
  function isSealed(): boolean {
    const [unsealed] = catalog.committed('UNSEALED#');
    if (unsealed !== undefined) stage.fireNow('seal-audit');
    return unsealed === undefined;
  }

  return {
    async onRow(change) {
      if (change.key.partition.startsWith('AUDIT#')) onEntry(change);
      else if (change.key.partition.startsWith('UNSEALED#')) await onUnsealed(change);
      else onVerdict(change);
    },
    atRest: isSealed,
    async check() {
      if (!isSealed()) violated('Some entries of the audit trail are not sealed.');
      await readSeals();
      for (const [object, chain] of chains)
        for (const { number } of chain)
          if (!sealed.has(`${object} ${number}`)) violated(`${object} ${number} is not sealed.`);
      const { broken } = await verifyTrail({ catalog, seals });
      if (broken !== undefined) violated(`The audit trail is broken: ${canonicalJson({ ...broken })}.`);
      if (!tampers) return;
      // A second try with another victim must not hide that the first was not found.
      await counters.watch(tamper);
    },
  };
}
