import type { PackReason, Rates, TierKeepReason, TierMove, TierMoveReason, TierPolicy } from '../placement/index.ts';
import type { CorrelationId, StorageClass } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { EpochMs } from '../shared/units.ts';
import type { PackSettings } from './loadTierFacts.ts';
import type { RunLimits } from './sweepBudget.ts';

export interface MoveDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

/** What decides and pays for moves: a scheduled sweep, or a plan that an operator applies. */
export interface MoveRun {
  readonly id: string;
  readonly shard: number;
  readonly limits: RunLimits;
  readonly policy: TierPolicy;
  readonly packs: PackSettings;
  /** The moment that is decided for. */
  readonly at: EpochMs;
  readonly correlationId: CorrelationId;
  /** Only this move, and not of what is in use: a plan is applied as it was shown. */
  readonly only?: ShownMove;
  /** Only moves that make reads cheaper or faster: the others have their turn later. */
  readonly warmsOnly?: boolean;
  /** Only what learned moves have promised: the code that decides has not been looked at yet. */
  readonly returnsOnly?: boolean;
}

/** A move as a plan shows it. */
export interface ShownMove {
  readonly action: TierMove['action'];
  readonly to: StorageClass;
}

export type MoveReason =
  | TierKeepReason
  | TierMoveReason
  | PackReason
  /** It stays as it is, and would be packed but for the dry run of packing. */
  | 'would-pack'
  /** The object is archived: its restore was begun, and it moves when it can be read. */
  | 'restore-begun'
  | 'restore-under-way'
  /** The object is archived and nobody reads it: no fee is paid to have it lie elsewhere. */
  | 'needs-restore'
  /** The copy that an earlier transition left behind is still there, or another run has the blob packed or unpacked just now. */
  | 'transition-under-way'
  /** This run has sent it already. */
  | 'sent-before'
  | 'budget-spent'
  /** It costs more than a whole sweep may spend: it goes when that is raised, or by a plan. */
  | 'above-budget'
  /** The ways home of this run have cost as much as they may. */
  | 'ways-home-spent'
  | 'rate-reached'
  /** Reads would not become cheaper or faster, and it is not yet the turn of other moves. */
  | 'not-warming'
  /** Nothing that may decide is in force: what would move was not looked at yet. */
  | 'not-in-force'
  /** Something else is decided now than what the plan showed. */
  | 'decided-otherwise'
  /** It was read lately, or is held, and the move would make reads dearer or slower. */
  | 'in-use'
  | 'unknown-blob';
