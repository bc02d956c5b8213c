import { type Blob, BlobRow } from '../catalog/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import { restoreArchived } from '../restores/index.ts';
import { CorrelationId } from '../shared/ids.ts';
import type { Random } from '../shared/ports/random.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { requireResolved } from './showModel.ts';
import { ratesInForce } from './tiers.ts';

/** Begins to restore the archived files of a version. Throws `CatalogError` where there is no such version. */
export async function restoreVersion(
  deps: PricesDeps & { readonly random: Random },
  { reference, withinMs, dryRun }: OperationInput<'restoreVersion'>,
): Promise<OperationOutput<'restoreVersion'>> {
  const { model, files } = await requireResolved(deps.catalog, reference);
  const blobs: Blob[] = [];
  for (const digest of new Set(files.map((file) => file.digest))) {
    const blob = await BlobRow.get(deps.catalog, digest);
    if (blob !== undefined) blobs.push(blob.value);
  }
  const { asked } = await restoreArchived(
    { ...deps, rates: await ratesInForce(deps) },
    {
      model,
      blobs,
      reason: 'operator',
      correlationId: CorrelationId.parse(`operator-${deps.random.id()}`),
      withinMs,
      limits: undefined,
      dryRun,
    },
  );
  return {
    items: asked.map(({ restore, usd }) => {
      const { digest, state, tier, readyAt } = restore;
      return { digest, state, tier, readyAt, usd };
    }),
  };
}
