import { GetObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { SignedRequest } from '../transfer/worker/protocol.ts';
import { mapErrors } from './errors.ts';

export interface PinnedKey {
  readonly bucket: string;
  readonly key: string;
  /** Undefined: the current version. */
  readonly versionId: string | undefined;
}

/** Requests for objects as the SDK would send them: its endpoints, its credentials, its signature. */
export interface S3Requests {
  /**
   * A GET that holds for at least ten minutes, whatever range it is sent with: `Range` is no header that has to be signed.
   * @throws PortError, also where there are no credentials
   */
  get(object: PinnedKey, region?: string): Promise<SignedRequest>;
}

/** What the SDK hands to its HTTP handler; the rest of it is not read. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Ends a call of the SDK when its request is ready to be sent. */
class Captured extends Error {
  readonly request: SdkRequest;
  constructor(request: SdkRequest) {
    super('captured');
    this.request = request;
  }
}

export function createS3Requests(config: S3ClientConfig): S3Requests {
  const clients = new Map<string | undefined, S3Client>();

  function clientOf(region: string | undefined): S3Client {
    const client =
      clients.get(region) ??
      new S3Client({
        ...config,
        ...(region === undefined ? {} : { region }),
        maxAttempts: 1,
        requestHandler: { handle: (request: SdkRequest) => Promise.reject(new Captured(request)) },
      });
    clients.set(region, client);
    return client;
  }

  return {
    async get({ bucket, key, versionId }, region) {
      try {
        await clientOf(region).send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
      } catch (error) {
        if (error instanceof Captured) return signedRequest(error.request);
        return mapErrors(`sign a request for ${key}`, () => Promise.reject(error));
      }
      throw new TypeError('The SDK sent a request by itself.');
    },
  };
}

function signedRequest({ protocol, hostname, port, path, query, headers }: SdkRequest): SignedRequest {
  const pairs = Object.entries(query ?? {})
    .flatMap(([name, value]) => [value ?? ''].flat().map((one): [string, string] => [name, one]))
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  return {
    origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
    target: pairs.length === 0 ? path : `${path}?${pairs.join('&')}`,
    headers,
  };
}

/** RFC 3986, as signatures count it. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
