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

/** Endpoints of S3 itself: of a region, of a VPC, dual-stack, FIPS. */
const OF_S3 = /\.amazonaws\.com(\.cn)?$/;

/** For the SDK's clients. A region that nobody has named is missing for S3 alone, which takes no other one in a signature. */
export async function clientConfigOf({ endpoint, region, pathStyle }: S3Place): Promise<S3ClientConfig> {
  const config = {
    forcePathStyle: pathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
  const ofS3 = endpoint === undefined || OF_S3.test(URL.parse(endpoint)?.hostname ?? '');
  if (ofS3 || region !== undefined) return config;
  return { ...config, region: (await namedRegion()) ?? ANY_REGION };
}

/** By the environment or the profile. */
const namedRegion = (): Promise<string | undefined> => new S3Client({}).config.region().catch(() => undefined);
