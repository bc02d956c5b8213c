import { HANDLERS } from '../../functions/handlers.ts';
import { FUNCTIONS } from '../../functions/index.ts';
import type { FunctionDeclaration, Trigger } from '../../functions/shared/declaration.ts';
import type { FunctionDeps } from '../../functions/shared/deps.ts';
import type { createContext } from '../../functions/shared/invocation.ts';
import { EXPIRY_LIMITS } from '../../lib/expiry/index.ts';
import { generateKeyPair } from '../../lib/fleet/index.ts';
import { StorageClass } from '../../lib/shared/ids.ts';
import { OPEN_POLICY } from '../../lib/scanning/index.ts';
import type { LifecycleRules } from '../../lib/shared/tierSettings.ts';
import { LIFECYCLE_RULES } from '../../lib/placement/index.ts';
import type { CommandKeys } from '../../lib/shared/ports/commandKeys.ts';
import { DAY_MS, DurationMs, EpochMs, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { TIER_SETTINGS } from '../../lib/tiering/index.ts';
import { PRICE_REGION } from './publishedPrices.ts';
import type { SimulatedFunction } from './plane.ts';
import { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';

/** The shipped functions, each made anew for the incarnation that runs it. */
export function simulatedFunctions(
  depsOf: (incarnation: Incarnation) => FunctionDeps,
  packs: boolean,
  sweepsEveryMinutes: number | undefined,
): readonly SimulatedFunction[] {
  return FUNCTIONS.map((declaration) => ({
    declaration: hurried(declaration, sweepsEveryMinutes),
    create: (incarnation) => {
      const deps = depsOf(incarnation);
      const packing = packs && declaration.name === 'transition' ? ({ tierPacking: 'on' } as const) : {};
      const handler = HANDLERS[declaration.name]({ ...deps, settings: { ...deps.settings, ...packing } });
      return (event, context) => call(handler, event, context);
    },
  }));
}

const HURRIED: ReadonlyMap<string, number> = new Map([
  ...['sweep-orphans', 'expire-uploads', 'start-purge', 'watch-restores'].map((name) => [name, 4] as const),
  ['refresh-prices', 3],
]);

/** A night's sweep comes round every few minutes here, with a grace to match, so that it meets whatever is under way. */
function hurried(declaration: FunctionDeclaration, sweepsEveryMinutes: number | undefined): FunctionDeclaration {
  const everyMinutes = declaration.name === 'start-sweep' ? sweepsEveryMinutes : HURRIED.get(declaration.name);
  if (everyMinutes === undefined) return declaration;
  const sooner = (trigger: Trigger): Trigger =>
    trigger.kind === 'schedule' ? { ...trigger, at: { everyMinutes } } : trigger;
  const [first, ...rest] = declaration.triggers;
  return { ...declaration, triggers: [sooner(first), ...rest.map(sooner)] };
}

type AnyHandler = (event: never, context: ReturnType<typeof createContext>) => Promise<unknown>;

// The runtime, too, hands a handler whatever its trigger sends.
function call(handler: AnyHandler, event: unknown, context: ReturnType<typeof createContext>): Promise<unknown> {
  return handler(event as never, context);
}

/** What operators have chosen in a run. */
export type Policies = Pick<
  FunctionDeps['settings'],
  | 'lifecycleDeletes'
  | 'lifecycleMostDeletes'
  | 'lifecycleRules'
  | 'placementPolicy'
  | 'restoreBudgetUsdPerDay'
  | 'restoresPerHour'
  | 'sweepInventoryFrom'
  | 'tierPolicy'
>;

/** Days instead of months, and reads do not count: runs last for two weeks at most. */
const HASTY_RULES: LifecycleRules = {
  ...LIFECYCLE_RULES,
  version: 'hasty',
  deleteAfterIdleDays: 3,
  deleteBelowPerDay: 1_000,
  coldAfterIdleDays: 1,
  coldBelowPerDay: 1_000,
};

/** Moves what was read minutes ago, too. */
const RASH_RULES: LifecycleRules = { ...HASTY_RULES, version: 'rash', coldAfterIdleDays: 1e-5 };

/**
 * Mostly what ships; else dollars decide, or sweeps go over the inventory: always, or by turns as blobs come and go. What learned moves may
 * lose is followed where dollars decide all the time; `changes` tells of the other runs whether operators change the policy.
 */
export function choosePolicies(rng: Rng): Policies & { readonly changes: boolean; readonly packs: boolean } {
  const dollars = rng.chance(0.35);
  const sweepInventoryFrom = rng.chance(0.35) ? rng.pick([0, 16, 32]) : 10_000_000;
  const lifecycle = !dollars && rng.chance(0.35);
  // Nobody deletes by policy what hosts hold: there they hold less.
  const placementPolicy = rng.chance(lifecycle ? 0.7 : 0.2) ? 'dollars' : 'subscriptions';
  const changes = !dollars && rng.chance(0.2);
  return {
    changes,
    lifecycleRules: changes ? RASH_RULES : HASTY_RULES,
    placementPolicy,
    sweepInventoryFrom,
    tierPolicy: dollars ? 'dollars' : lifecycle ? 'lifecycle' : 'rules',
    lifecycleDeletes: rng.chance(0.9) ? 'on' : 'dry-run',
    lifecycleMostDeletes: rng.chance(0.4) ? 0 : 1,
    // Sweeps pack nothing here, plans do: the worker follows them, unless it is switched off.
    packs: rng.chance(0.9),
    // What one restore costs, or less.
    restoreBudgetUsdPerDay: rng.chance(0.3) ? rng.pick([0.000_06, 0.000_06, 0.000_01]) : 1_000,
    restoresPerHour: rng.chance(0.3) ? 1 : 1_000,
  };
}

export const SETTINGS = (partSize: number, policies: Policies): FunctionDeps['settings'] => ({
  region: 'local',
  priceRegion: PRICE_REGION,
  storeClasses: StorageClass.options,
  partSize,
  maxUploadBytes: 1_000_000,
  scanPolicy: OPEN_POLICY,
  heartbeatSeconds: 60,
  silentAfterMs: 10 * MINUTE_MS,
  commandTtlMs: 15 * MINUTE_MS,
  agentRoleArns: ['arn:aws:iam::000000000000:role/agent'],
  tierSweep: 'on',
  ...TIER_SETTINGS,
  tierPacking: 'off',
  packAboveBytes: 0,
  packBelowRatio: 1,
  // Some sweeps have dollars for a few moves only, and none for one in each shard.
  sweepBudgetUsd: policies.restoresPerHour === 1 ? 0.000_1 : 1_000,
  // Half of the shards may move one blob a run, the others none.
  sweepMostMoves: 8,
  ...EXPIRY_LIMITS,
  lifecycleMostDeleteBytes: 200_000,
  ...policies,
  orphanSweep: 'on',
  orphanGraceMs: DurationMs.parse(5 * MINUTE_MS),
  uploadSweep: 'on',
  uploadGraceMs: DurationMs.parse(5 * MINUTE_MS),
  // Longer than any run: a set that waits there is still to be published.
  refusedKeepMs: DurationMs.parse(90 * DAY_MS),
  auditRetentionMs: DurationMs.parse(90 * DAY_MS),
});

/** Keys made once a process: what they are does not matter to a run, only that they are not each other. */
const PLANE_KEY = generateKeyPair('plane-1', new Rng(1).asRandom());

export function planeKeys(): CommandKeys {
  return {
    current: async () => ({ keyId: 'plane-1', privateKey: PLANE_KEY.privateKey }),
    published: async () => [{ keyId: 'plane-1', publicKey: PLANE_KEY.publicKey }],
  };
}

export function credentialIssuer(scheduler: Scheduler): FunctionDeps['hostCredentials'] {
  return {
    issue: async (host, generation) => ({
      accessKeyId: host,
      secretAccessKey: String(generation),
      sessionToken: 'simulation',
      expiresAt: EpochMs.parse(scheduler.now + HOUR_MS),
    }),
  };
}
