import type { FunctionDeps } from '../../functions/shared/deps.ts';
import type { FileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import type { SqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import type { CatalogStore, Item, ItemKey } from '../../lib/shared/ports/catalogStore.ts';
import type { PriceBookFile } from '../../lib/pricing/index.ts';
import type { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import type { Faults } from './faults.ts';
import type { Focus } from './focus.ts';
import type { SimulatedHost } from './hosts.ts';
import type { InventoryMap } from './inventoryMap.ts';
import type { Counters } from './invariants.ts';
import type { PolicyHistory } from './policyHistory.ts';
import type { PublishedPrices } from './publishedPrices.ts';
import type { RefusedReads } from './refusedReads.ts';
import type { Releases } from './releases.ts';
import type { Rng } from './rng.ts';
import type { Incarnation, Scheduler } from './scheduler.ts';

export interface WatchedCatalog extends CatalogStore {
  /** Every committed row as it was last written, of the partitions that begin with `family`: what stands before their first `#`, and it. */
  committed(family: string): Iterable<Item>;
  /** Those of one partition. */
  committedIn(partition: string): Iterable<Item>;
}

/** What every capability's part of the simulated world stands on. Its stores tell the truth: faults lie above them. */
export interface Stage {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly catalog: WatchedCatalog;
  /** Where uploads go and blobs lie; changes of it lead to events. */
  readonly bucket: FileObjectStore;
  /** What locks the seals of the audit trail; stands below the faults. */
  readonly seals: FileObjectStore;
  readonly queues: SqliteQueues;
  readonly hosts: readonly SimulatedHost[];
  readonly models: readonly string[];
  readonly partSize: number;
  /** What operators have chosen, as it is now: calls that began before a change go on with what was. */
  readonly settings: FunctionDeps['settings'];
  /** Whether operators change the policy of storage classes in this run. */
  readonly changesPolicy: boolean;
  /** Whether what is decided to be packed is packed; else that is switched off. */
  readonly packs: boolean;
  /** What this run concentrates on; undefined where it is a bit of everything. */
  readonly focus: Focus | undefined;
  readonly configure: (tierPolicy: TierPolicyName) => void;
  /** Whether operators have a price book of their own decide, and have it go again. */
  readonly ownsBooks: boolean;
  readonly configureBook: (book: PriceBookFile | undefined) => void;
  readonly policies: PolicyHistory;
  readonly inventoryMap: InventoryMap;
  /** The price lists that the refresh reads. */
  readonly published: PublishedPrices;
  /** The most that one upload may have. */
  readonly maxUploadBytes: number;
  /** Bytes that a host starts with for models. */
  readonly hostCapacity: number;
  /** The deployed rules, which change in a run. */
  readonly releases: Releases;
  /** Keys at which whatever reads an object dies. */
  readonly deadlyKeys: Set<string>;
  /** Until when the catalog takes no verdict of the upload at a key. */
  readonly refusedVerdicts: Map<string, number>;
  /** Until when what was read of an object is under way. */
  readonly lateReads: Map<string, number>;
  /** Whose bytes the plane may not read. */
  readonly refusedReads: RefusedReads;
  /** Every message that a queue has ever taken: its queue, a space, its body. */
  readonly sent: ReadonlySet<string>;
  /** What a function, or an operator's call of the plane, is given in one life of its process: ports with their faults. */
  readonly depsOf: (incarnation: Incarnation) => FunctionDeps;
  /** Has a schedule fire now instead of at its next moment. */
  readonly fireNow: (schedule: string) => void;
  /** Calls a function as other services of the cloud do; rejects where it dies or throws. */
  readonly callFunction: (name: string, event: object) => Promise<unknown>;
  readonly trace: ((line: string) => void) | undefined;
}

/** One committed write of a row; absent before its first write and after its deletion. */
export interface RowChange {
  readonly key: ItemKey;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/**
 * One capability's part of the world: what people, machines and strangers do to it, and what must hold of it. Everything
 * here throws `InvariantViolation` for a broken promise.
 */
export interface Capability {
  /** Once, before anything happens. */
  readonly begin?: () => void;
  /** Starts actions of a phase with faults; none begins later than `durationMs` from now. A run has several such phases. */
  readonly act?: (durationMs: number) => void;
  /** Looks at each committed write of the catalog. */
  readonly onRow?: (change: RowChange) => void | Promise<void>;
  /** Looks at each removal from the bucket before it happens; without a version id a delete marker is meant. */
  readonly onRemoval?: (key: string, versionId: string | undefined) => Promise<void>;
  /** Whether nothing of it is under way any more, in the phase without faults. */
  readonly atRest?: () => boolean | Promise<boolean>;
  /** What holds once everything came to rest. May fail for a while longer: it is asked again until a bound. */
  readonly check?: () => Promise<void>;
}

export type CreateCapability = (stage: Stage, rng: Rng) => Capability;
