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
