import { StorageClass } from '../../shared/ids.ts';

/** The storage classes of S3 that Strata writes: all that it knows. */
export const S3_CLASSES: readonly StorageClass[] = StorageClass.options;
