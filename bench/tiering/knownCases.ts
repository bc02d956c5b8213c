import {
  billUsd,
  knownRate,
  POLICIES,
  replay,
  type ReplayObject,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { GB, HOUR_MS, KIB } from '../../lib/shared/units.ts';

/** A case in which something is known that Intelligent-Tiering cannot know. */
interface KnownCase {
  readonly name: string;
  readonly objects: readonly ReplayObject[];
  readonly waiting?: ReplaySetup['waiting'];
}

export interface CaseResult {
  readonly case: string;
  readonly usd: number;
  readonly intelligentTieringUsd: number;
}

const YEARS = 3;
const DAYS = YEARS * 365;
const ONE_READ_IN_TEN_YEARS = knownRate(1 / 3650);

function object(bytes: number, reads: readonly number[], more: Partial<ReplayObject> = {}): ReplayObject {
  const counts = reads.map(() => 1);
  return { bytes, history: { startStep: 0, endStep: DAYS, steps: reads, counts, deleted: false }, ...more };
}

const everyDays = (days: number, until = DAYS): number[] =>
  Array.from({ length: Math.floor((until - 1) / days) }, (_, index) => (index + 1) * days);

const CASES: readonly KnownCase[] = [
  {
    name: 'a version read weekly for 200 days, then superseded, and the registry says so (6.5 GB)',
    objects: [
      object(6.5 * GB, everyDays(7, 200), {
        knowledge: [{ fromStep: 200, fact: { kind: 'rate', forecast: ONE_READ_IN_TEN_YEARS } }],
      }),
    ],
  },
  {
    name: 'a training archive whose readers tolerate 12 h, read once a year (500 GB)',
    objects: [
      object(500 * GB, everyDays(365), {
        knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 365) } }],
      }),
    ],
    waiting: { toleranceMs: 12 * HOUR_MS, usdPerMs: 0 },
  },
  {
    name: 'ten thousand configuration files of 100 KB, below the minimum of automatic tiering, known to be cold',
    objects: Array.from({ length: 10_000 }, () =>
      object(100_000, [], { knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: ONE_READ_IN_TEN_YEARS } }] }),
    ),
  },
  {
    name: 'a thousand small adapters of 200 KiB read daily, where the object fee outweighs the tiering',
    objects: Array.from({ length: 1_000 }, () =>
      object(200 * KIB, everyDays(1), { knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1) } }] }),
    ),
  },
  {
    name: 'a back-fill of 2,000 old checkpoints of 2 GB that nobody is expected to read',
    objects: Array.from({ length: 2_000 }, (_, index) =>
      object(2 * GB, index % 20 === 0 ? [400] : [], {
        knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 7300) } }],
      }),
    ),
  },
];

/** What one policy decides when a read of an archived copy would keep a GPU waiting, and when nothing waits. */
export interface WaitingResult {
  readonly gpuUsdPerHour: number;
  readonly usd: number;
  readonly waitedHours: number;
  /** Nothing of it is archived, so nothing waits. */
  readonly intelligentTieringUsd: number;
}

export function runKnownCases(setup: ReplaySetup): CaseResult[] {
  return CASES.map(({ name, objects, waiting }) => {
    const own = { ...setup, waiting: waiting ?? setup.waiting };
    return {
      case: name,
      usd: billUsd(replay(objects, POLICIES['strata-dollars'], own).bill),
      intelligentTieringUsd: billUsd(replay(objects, POLICIES['intelligent-tiering'], own).bill),
    };
  });
}

/** The same archive, read every 300 days within 12 hours, with and without a GPU that waits for it. */
export function runWaitingCase(setup: ReplaySetup, gpuUsdPerHour: number): WaitingResult[] {
  const archive = object(40 * GB, everyDays(300), {
    knowledge: [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 300) } }],
  });
  return [0, gpuUsdPerHour].map((usdPerHour) => {
    const waiting = { toleranceMs: 12 * HOUR_MS, usdPerMs: usdPerHour / HOUR_MS };
    const own = { ...setup, waiting };
    const { bill } = replay([archive], POLICIES['strata-dollars'], own);
    return {
      gpuUsdPerHour: usdPerHour,
      usd: billUsd(bill),
      waitedHours: bill.waitMs / HOUR_MS,
      intelligentTieringUsd: billUsd(replay([archive], POLICIES['intelligent-tiering'], own).bill),
    };
  });
}
