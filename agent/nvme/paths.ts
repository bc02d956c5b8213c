import { type Digest, VolumeName } from '../../lib/shared/ids.ts';

/** The store's tree on its first volume. Only `blobs/` and `models/` are for others to read. */
export const FOLDERS = { state: 'state', staging: 'staging', blobs: 'blobs', models: 'models' } as const;

/** The volume that the data folder lies on; it also holds the ledger and the view. */
export const FIRST_VOLUME = VolumeName.parse('data');

export const LEDGER_PATH = `${FOLDERS.state}/ledger`;
export const ACCESSES_PATH = `${FOLDERS.state}/accesses.json`;
export const SESSION_PATH = `${FOLDERS.state}/session.json`;

export const volumeRoot = (volume: VolumeName): string => (volume === FIRST_VOLUME ? '.' : `volumes/${volume}`);
/** What comes before the paths on a volume. */
export const volumePrefix = (volume: VolumeName): string => (volume === FIRST_VOLUME ? '' : `volumes/${volume}/`);

export const blobsFolder = (volume: VolumeName): string => `${volumePrefix(volume)}${FOLDERS.blobs}`;
export const stagingFolder = (volume: VolumeName): string => `${volumePrefix(volume)}${FOLDERS.staging}`;
export const blobFolder = (digest: Digest, volume = FIRST_VOLUME): string =>
  `${blobsFolder(volume)}/${digest.slice(0, 2)}`;
export const blobPath = (digest: Digest, volume = FIRST_VOLUME): string => `${blobFolder(digest, volume)}/${digest}`;
export const stagingPath = (digest: Digest, volume = FIRST_VOLUME): string => `${stagingFolder(volume)}/${digest}`;
