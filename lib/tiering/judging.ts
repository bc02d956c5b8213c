import { type ConfiguredSweeps, SweepSettingsRow, TierPolicyRow } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { EpochMs } from '../shared/units.ts';
import { type Deciding, decidesAlike, easedBy, withoutBook } from './deciding.ts';
import { decides } from './policyInForce.ts';
import { TIER_SETTINGS, tierSettings } from './sweepSettings.ts';

/** What decides in a plane unless operators set something else. */
export const SHIPPED: Deciding = { policy: 'rules', settings: TIER_SETTINGS };

/** By what storage classes are judged for somebody who looks, and where that is known from. */
export interface Judging extends Deciding {
  readonly basis:
    | 'in-force'
    /** Sweeps do not move by themselves, or nothing that may decide is in force: what they are configured with. */
    | 'configured'
    /** Somebody asks by another policy, with what is configured of it. */
    | 'asked'
    /** The plane has not noted its settings, since no sweep of this release has begun: those that ship are assumed. */
    | 'shipped';
  /** Absent where nobody knows. */
  readonly sweep?: SweepMode;
  /** Of what is in force. */
  readonly since?: EpochMs;
}

type Known = Omit<ConfiguredSweeps, 'since'>;

/** The plane's own settings, where the caller has them at hand; else its sweeps have noted them. */
export type Configured = TierSettings & { readonly tierSweep: SweepMode; readonly tierPolicy: TierPolicyName };

/** What is judged by now: by `asked` where that is named, else as the plane does it. */
export async function judgingNow(
  catalog: CatalogStore,
  configured: Configured | undefined,
  asked: TierPolicyName | undefined,
): Promise<Judging> {
  const known = configured === undefined ? await noted(catalog) : ofPlane(configured);
  const present = await presentOf(catalog, known);
  if (asked === undefined || asked === present.policy) return present;
  const { sweep } = present;
  const settings = known?.settings ?? present.settings;
  return { policy: asked, settings, basis: 'asked', ...(sweep === undefined ? {} : { sweep }) };
}

/** What is configured and not in force yet: a sweep looks at it, or the next one will; undefined where nothing waits. */
export async function wantedNow(
  catalog: CatalogStore,
  configured: Configured | undefined,
): Promise<Deciding | undefined> {
  const row = (await TierPolicyRow.get(catalog))?.value;
  const known = configured === undefined ? await noted(catalog) : ofPlane(configured);
  if (row === undefined || known === undefined || known.tierSweep !== 'on') return undefined;
  const wanted = { policy: known.tierPolicy, settings: known.settings };
  if (!decides(row)) return wanted;
  return decidesAlike(await presentOf(catalog, known), wanted) ? undefined : wanted;
}

async function presentOf(catalog: CatalogStore, known: Known | undefined): Promise<Judging> {
  const row = (await TierPolicyRow.get(catalog))?.value;
  const sweep = known === undefined ? {} : { sweep: known.tierSweep };
  if (known !== undefined && (row === undefined || !decides(row) || known.tierSweep !== 'on')) {
    return { policy: known.tierPolicy, settings: known.settings, basis: 'configured', ...sweep };
  }
  if (row?.inForce === undefined) return { ...SHIPPED, basis: 'shipped' };
  const { inForce: policy, since } = row;
  const inForce = row.settings ?? (known && withoutBook(known.settings));
  if (inForce === undefined) return { ...SHIPPED, policy, basis: 'shipped', since };
  const settings = easedBy(inForce, known?.settings ?? inForce);
  return { policy, settings, basis: 'in-force', since, ...sweep };
}

async function noted(catalog: CatalogStore): Promise<Known | undefined> {
  return (await SweepSettingsRow.get(catalog))?.value;
}

function ofPlane(configured: Configured): Known {
  const { tierPolicy, tierSweep } = configured;
  return { tierPolicy, tierSweep, settings: tierSettings(configured) };
}
