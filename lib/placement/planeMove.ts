import { DAY_MS, GIB, MIB, MINUTE_MS } from '../shared/units.ts';
import { moveUsd, readUsd, storageUsd } from './bill.ts';
import type { ClassRates, Rates } from './rates.ts';

/** How long an old copy lies beside the new one that has taken its place, at least. */
export const OLD_COPY_MS = 15 * MINUTE_MS;

/** Above 5 GiB a copy is made in parts of this size. */
const PART_BYTES = 512 * MIB;
/** A copy looks three times at what it copies, and three times at what it has written. */
const LOOKS = 3;

/** What a move by the plane's copies charges, but for storage and early deletion. */
export interface PlaneMove {
  readonly requestUsd: number;
  /** From an archive the cheapest restore, with its restored copy for a day. */
  readonly retrievalUsd: number;
}

/** The requests, and the retrieval where the class charges it. Part manifests stay as they are; deletes are free of charge. */
export function planeMove(rates: Rates, from: ClassRates, to: ClassRates, bytes: number): PlaneMove {
  const writes = bytes <= 5 * GIB ? 1 : Math.ceil(bytes / PART_BYTES) + 2;
  const writeUsd = writes * to.putUsd + bytes * to.uploadUsdPerByte;
  const restoredCopyUsd = from.instant ? 0 : storageUsd(rates.of('STANDARD'), bytes, DAY_MS);
  return {
    requestUsd: writeUsd + from.getUsd + LOOKS * (from.getUsd + to.getUsd),
    retrievalUsd: readUsd(from, bytes) - from.getUsd + restoredCopyUsd,
  };
}

/** What a move by the plane charges at most above the copy that decisions price (`moveUsd`), the old copy included. */
export function planeExtraUsd(rates: Rates, from: ClassRates, to: ClassRates, bytes: number): number {
  if (from === to) return 0;
  const { requestUsd, retrievalUsd } = planeMove(rates, from, to, bytes);
  return requestUsd + retrievalUsd - moveUsd(from, to, bytes, 'copy') + storageUsd(from, bytes, OLD_COPY_MS);
}
