import type { Action, Blob } from '../catalog/index.ts';
import type { Digest, ModelName, StorageClass } from '../shared/ids.ts';
import type { Bytes } from '../shared/units.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { MessageSender } from '../shared/ports/messageQueue.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import type { Scanner, ScanPolicy } from '../scanning/index.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';

export interface IngestDeps {
  readonly clock: Clock;
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly scanner: Scanner;
  readonly settings: {
    readonly region: string;
    readonly partSize: number;
    readonly maxUploadBytes: number;
    readonly scanPolicy: ScanPolicy;
  };
}

export interface PublishedBytes {
  readonly digest: Digest;
  readonly bytes: Bytes;
  /** Whose readers are expected. */
  readonly model: ModelName | undefined;
}

/** The class that bytes are published in, with the receipt of the decision where one was made. */
export interface FirstPlace {
  readonly storageClass: StorageClass;
  readonly tier: Blob['tier'];
  readonly receipt?: Pick<
    Action,
    'reason' | 'policy' | 'chosen' | 'alternatives' | 'inputs' | 'inputsHash' | 'decidedAt'
  >;
}

/** New content starts hot. */
export const HOT: FirstPlace = { storageClass: 'STANDARD', tier: 'hot' };

export interface DigestDeps extends IngestDeps {
  /** Asked before bytes are copied that no blob has yet; never answers an archive. */
  readonly firstPlace: (published: PublishedBytes) => Promise<FirstPlace>;
}

export interface ReconcileDeps extends IngestDeps {
  readonly sender: MessageSender;
}

/** One version of one uploaded object. */
export interface PinnedUpload {
  readonly key: string;
  readonly versionId: string;
}

/** The call that a use case runs in: its telemetry carries the correlation id, its time is limited. */
export interface IngestCall {
  readonly telemetry: Telemetry;
  readonly remainingMs: () => number;
}

/** A call by a message; `receiveCount` is 1 for its first delivery. */
export interface IngestDelivery extends IngestCall {
  readonly receiveCount: number;
}
