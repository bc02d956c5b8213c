import type { S3Client } from '@aws-sdk/client-s3';
import type { CopyOptions } from '../../shared/ports/objectStore.ts';
import { GIB, MIB } from '../../shared/units.ts';

export interface CopyLimits {
  /** CopyObject takes at most 5 GiB. */
  readonly singleCopyBytes: number;
  /** 512 MiB until 10,000 parts would not do. */
  readonly partBytes: number;
  /** Parts copied at once. */
  readonly parallelParts: number;
}

export const S3_COPY_LIMITS: CopyLimits = { singleCopyBytes: 5 * GIB, partBytes: 512 * MIB, parallelParts: 8 };

export interface Copy {
  readonly client: S3Client;
  readonly bucket: string;
  readonly limits: CopyLimits;
  readonly source: { readonly key: string; readonly versionId: string };
  readonly key: string;
  readonly options: CopyOptions;
}

export function copySource({ bucket, source }: Copy): string {
  const key = source.key.split('/').map(encodeURIComponent).join('/');
  return `${bucket}/${key}?versionId=${encodeURIComponent(source.versionId)}`;
}
