import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { CommandKeys } from '../../lib/shared/ports/commandKeys.ts';
import type { HostCredentialIssuer } from '../../lib/fleet/index.ts';
import type { PriceBookFile, PriceLists } from '../../lib/pricing/index.ts';
import type { Scanner, ScanPolicy } from '../../lib/scanning/index.ts';
import type { MessageReceiver, MessageSender, QueueAdmin } from '../../lib/shared/ports/messageQueue.ts';
import type { InventorySweeps } from '../../lib/tiering/index.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import type { StorageClass } from '../../lib/shared/ids.ts';
import type { DurationMs } from '../../lib/shared/units.ts';
import type { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import type { Random } from '../../lib/shared/ports/random.ts';
import type { SweepMode, TierPolicyName } from '../../lib/shared/sweepMode.ts';
import type { TierSettings } from '../../lib/shared/tierSettings.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';

/** Operators' settings, parsed once per function from its environment. */
export interface Settings extends TierSettings {
  readonly region: string;
  /** The region of AWS whose prices count here. */
  readonly priceRegion: string;
  /** The price book that decides in place of the region's; `priceBook` names it. */
  readonly ownBook?: PriceBookFile | undefined;
  /** The storage classes of the store that holds the models. */
  readonly storeClasses: readonly StorageClass[];
  /** Bytes; `PART_SIZE` outside tests and simulation. */
  readonly partSize: number;
  readonly maxUploadBytes: number;
  /** What a verdict means: formats, licences, sizes, whether suspicious files are served. */
  readonly scanPolicy: ScanPolicy;
  readonly heartbeatSeconds: number;
  /** A host without a heartbeat for so long counts as silent. */
  readonly silentAfterMs: number;
  /** Roles whose sessions may register as hosts, by the session's name. */
  readonly agentRoleArns: readonly string[];
  /** A command that is not finished after so long is dead. */
  readonly commandTtlMs: number;
  /** What decides which hosts hold a model. */
  readonly placementPolicy: PlacementPolicyName;
  /** Of the sweep that decides storage classes, and of the transitions that it has sent. */
  readonly tierSweep: SweepMode;
  /** What decides storage classes: fixed rules, or expected dollars. */
  readonly tierPolicy: TierPolicyName;
  /** What the moves of one sweep may cost at most, in dollars, and how many it sets going. */
  readonly sweepBudgetUsd: number;
  readonly sweepMostMoves: number;
  /** What restores that readers ask for may cost in a day, in dollars, and how many may begin in an hour. */
  readonly restoreBudgetUsdPerDay: number;
  readonly restoresPerHour: number;
  /** How many versions, and bytes of them, a sweep by the lifecycle preset deletes at most. */
  readonly lifecycleMostDeletes: number;
  readonly lifecycleMostDeleteBytes: number;
  /** From so many blobs on a sweep goes over the bucket's inventory, where there is one. */
  readonly sweepInventoryFrom: number;
  /** Of the sweep of versions under `blobs/` that no row names. */
  readonly orphanSweep: SweepMode;
  /** How long such a version must have been there, and then be condemned. Longer than any work under way. */
  readonly orphanGraceMs: DurationMs;
  /** Of the deletion of bytes under `uploads/` that are not needed any more. */
  readonly uploadSweep: SweepMode;
  /** How long they stay after they were published, and how long those stay that no version got. */
  readonly uploadGraceMs: DurationMs;
  readonly refusedKeepMs: DurationMs;
  /** How long nobody can remove a seal of the audit trail. */
  readonly auditRetentionMs: DurationMs;
}

/** Everything that handlers may be given; each takes the part that it needs. */
export interface FunctionDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  /** The bucket that locks what is written into it. */
  readonly seals: ObjectStore;
  readonly scanner: Scanner;
  readonly sender: MessageSender;
  /** Of the queues that functions work off. */
  readonly messages: Pick<MessageReceiver, 'changeVisibility'>;
  readonly queues: QueueAdmin;
  readonly commandKeys: CommandKeys;
  readonly hostCredentials: HostCredentialIssuer;
  /** Where prices are read anew; absent where nothing is to be read from the network. */
  readonly priceLists?: PriceLists | undefined;
  /** Only on AWS. */
  readonly inventorySweeps?: InventorySweeps | undefined;
  readonly settings: Settings;
}
