import type { Operations } from '../../lib/operations/index.ts';

export interface FileToUpload {
  readonly path: string;
  readonly size: number;
}

/** Where files go: the bucket itself on AWS, the runtime's endpoint else. */
export interface Uploads {
  /** Uploads one file. `onBytes` is told of each chunk as it leaves; after a failure the whole file is told again. */
  put(
    key: string,
    file: FileToUpload,
    metadata: Readonly<Record<string, string>>,
    onBytes: (bytes: number) => void,
  ): Promise<{ readonly versionId: string }>;
  putText(
    key: string,
    text: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<{ readonly versionId: string }>;
}

/** The plane that a command works on. */
export interface Plane {
  readonly operations: Operations;
  readonly uploads: Uploads;
}
