import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

export interface S3Place {
  /** Of a store that speaks S3's protocol; undefined: S3, or what the environment names. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** `host/bucket/key` in the place of `bucket.host/key`. */
  readonly pathStyle: boolean;
}

/** What stores without regions (MinIO, R2) take for theirs in a signature. */
const ANY_REGION = 'us-east-1';

/** For the SDK's clients. A region that nobody has named is missing for S3 alone. */
export async function clientConfigOf({ endpoint, region, pathStyle }: S3Place): Promise<S3ClientConfig> {
  const forcePathStyle = pathStyle;
  if (endpoint === undefined) return { forcePathStyle, ...(region === undefined ? {} : { region }) };
  return { forcePathStyle, endpoint, region: region ?? (await namedRegion()) ?? ANY_REGION };
}

/** By the environment or the profile. */
const namedRegion = (): Promise<string | undefined> => new S3Client({}).config.region().catch(() => undefined);
