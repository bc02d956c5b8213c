import type { FaultKind, FaultRates, LateAnswers } from './faults.ts';
import type { choosePolicies } from './functions.ts';

/**
 * What hardly ever comes together where a run is a bit of everything. `moves`: blobs between the volumes of hosts, while somebody asks for them. `pins`:
 * of blobs that break and are to be packed. `restores`: that readers may not pay for, that expire, that a release overtakes. `expiry`: of versions
 * that nobody reads. `purges`: of bytes that are published again. `releases`: while their calls still judge. `generations`: of hosts, and commands that were
 * meant for the one before. `regrets`: of deletes, when the verdict is another one. `refusals`: of reads, for days.
 */
const FOCI = [
  'moves',
  'pins',
  'restores',
  'expiry',
  'purges',
  'releases',
  'generations',
  'regrets',
  'refusals',
] as const;
export type Focus = (typeof FOCI)[number];

/** One run in so many concentrates on one thing. */
const EVERY = 20;

/** What a run concentrates on: each in its turn. */
export function focusOf(seed: number): Focus | undefined {
  return seed % EVERY === 0 ? FOCI[(seed / EVERY) % FOCI.length] : undefined;
}

const RATES: Readonly<Partial<Record<Focus, Partial<Record<FaultKind, number>>>>> = {
  // What is pinned stays so in one life of its host.
  pins: { 'evict-fill-race': 1, 'bit-flip': 0.7, 'agent-reboot': 0, 'machine-replaced': 0, 'power-cut': 0 },
  // Nothing keeps an upload from coming at the very moment of a purge.
  purges: { 'late-answer': 1, 'reordered-delivery': 0, 'lost-notification': 0 },
  releases: { 'late-answer': 1 },
  // Its machine is replaced when a phase ends.
  generations: { 'evict-fill-race': 1, 'machine-replaced': 0 },
};

export function focusedRates(rates: FaultRates, focus: Focus | undefined): FaultRates {
  const own = Object.entries((focus && RATES[focus]) ?? {}) as [FaultKind, number][];
  return new Map([...rates, ...own]);
}

/** Whose answers come late, and one of how many; where runs concentrate on what is decided on what was seen before. */
const LATE: Readonly<Partial<Record<Focus, LateAnswers>>> = {
  purges: { of: /^purge#/, calls: 16 },
  releases: { of: /^digest#/, calls: 40 },
};

export function focusedLateness(focus: Focus | undefined): LateAnswers | undefined {
  return focus && LATE[focus];
}

type Chosen = ReturnType<typeof choosePolicies>;

const UNCHANGED = { changes: false, tierPolicy: 'rules' } as const;
const POLICIES: Readonly<Partial<Record<Focus, Partial<Chosen>>>> = {
  moves: { ...UNCHANGED, placementPolicy: 'subscriptions' },
  pins: { ...UNCHANGED, placementPolicy: 'subscriptions' },
  // A second restore of a day costs more than readers may spend; and hosts hold nothing up.
  restores: { ...UNCHANGED, placementPolicy: 'dollars', restoreBudgetUsdPerDay: 0.000_06, restoresPerHour: 1_000 },
  expiry: {
    ...UNCHANGED,
    tierPolicy: 'lifecycle',
    placementPolicy: 'dollars',
    sweepInventoryFrom: 10_000_000,
    lifecycleDeletes: 'on',
    lifecycleMostDeletes: 1,
  },
  purges: UNCHANGED,
  regrets: UNCHANGED,
  releases: UNCHANGED,
  // What is swept meanwhile shows nothing of it.
  refusals: { ...UNCHANGED, sweepInventoryFrom: 10_000_000 },
  generations: { ...UNCHANGED, placementPolicy: 'subscriptions' },
};

export function focusedPolicies(chosen: Chosen, focus: Focus | undefined): Chosen {
  return { ...chosen, ...(focus && POLICIES[focus]) };
}
