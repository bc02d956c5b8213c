import type { Digest } from '../../lib/shared/ids.ts';

/** The store's tree on its volume. Only `blobs/` and `models/` are for others to read. */
export const FOLDERS = { state: 'state', staging: 'staging', blobs: 'blobs', models: 'models' } as const;

export const LEDGER_PATH = `${FOLDERS.state}/ledger`;
export const ACCESSES_PATH = `${FOLDERS.state}/accesses.json`;
export const SESSION_PATH = `${FOLDERS.state}/session.json`;

export const blobFolder = (digest: Digest): string => `${FOLDERS.blobs}/${digest.slice(0, 2)}`;
export const blobPath = (digest: Digest): string => `${blobFolder(digest)}/${digest}`;
export const stagingPath = (digest: Digest): string => `${FOLDERS.staging}/${digest}`;
