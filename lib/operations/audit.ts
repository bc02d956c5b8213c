import { describeBroken, listHistory, type SealObjects, unsealedNumbers, verifyTrail } from '../audit/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { OperationsError } from './errors.ts';

/** One object's history, oldest first. */
export async function showAudit(
  catalog: CatalogStore,
  { object, limit, nextToken }: OperationInput<'showAudit'>,
): Promise<OperationOutput<'showAudit'>> {
  const { entries, cursor } = await listHistory(catalog, object, limit, nextToken);
  // After the entries: one that is written in between would pass for sealed.
  const unsealed = await unsealedNumbers(catalog, object);
  const items = entries.map((entry) => ({ ...entry, sealed: !unsealed.has(entry.number) }));
  return { items, ...(cursor === undefined ? {} : { nextToken: cursor }) };
}

/** Throws `OperationsError` `no-audit-bucket` where the caller did not say where the seals lie. */
export async function verifyAudit(
  { catalog, seals }: { readonly catalog: CatalogStore; readonly seals: SealObjects | undefined },
  { since }: OperationInput<'verifyAudit'>,
): Promise<OperationOutput<'verifyAudit'>> {
  if (seals === undefined) {
    throw new OperationsError({
      code: 'no-audit-bucket',
      message: 'Set STRATA_AUDIT_BUCKET to the bucket that holds the seals; `cdk deploy` prints its name.',
      retryable: false,
    });
  }
  const { broken, ...counts } = await verifyTrail({ catalog, seals }, since);
  return broken === undefined ? counts : { ...counts, broken: { ...broken, text: describeBroken(broken) } };
}
