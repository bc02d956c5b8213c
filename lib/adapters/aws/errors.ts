import { errorText, PortError } from '../../shared/errors.ts';
import { DurationMs, SECOND_MS } from '../../shared/units.ts';

const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceededException',
  'TooManyRequestsException',
  'TransactionInProgressException',
  'LimitExceededException',
  'ExecutionLimitExceeded',
  'OverLimit',
  'SlowDown',
  'KmsThrottled',
]);

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

/** The key of what is encrypted is disabled, to be deleted or gone, as S3, SQS and DynamoDB call it: no request is wrong. */
const KEY_REFUSED = /^KMS\.?(KMS)?(Disabled|NotFound|InvalidState|InvalidKeyUsage|OptInRequired|AccessDenied)/i;

const NO_QUEUE = new Set([
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'com.amazonaws.sqs#QueueDoesNotExist',
]);

const TOO_LARGE = new Set(['EntityTooLarge', 'BatchRequestTooLong', 'RequestEntityTooLarge']);

/** What AWS calls the error: the SDK's `name`, which carries the service's error code. */
export function awsErrorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

/** The HTTP status that an SDK error came with. */
export function awsStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/**
 * The port's error for whatever the SDK threw while doing `what` ("read catalog item …").
 * What is neither a refusal nor a throttle counts as `unavailable`: time-outs, resets and 5xx answers say nothing about the request.
 */
export function portErrorOf(what: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const make = (code: PortError['code'], retryable: boolean, hint: string): PortError =>
    new PortError({ code, message: `Could not ${what}: ${errorText(error)}. ${hint}`, retryable, cause: error });
  const name = awsErrorName(error);
  const status = awsStatus(error);
  if (THROTTLED.has(name) || status === 429) return make('throttled', true, 'Retry with backoff.');
  if (NO_QUEUE.has(name))
    return make('no-such-queue', false, 'Check STRATA_QUEUE_URL_PREFIX, the region and that the stack is deployed.');
  if (name === 'QueueDeletedRecently') {
    return new PortError({
      code: 'unavailable',
      message: `Could not ${what}: a queue of this name was deleted less than 60 s ago. Retry later.`,
      retryable: true,
      retryAfter: DurationMs.parse(60 * SECOND_MS),
      cause: error,
    });
  }
  if (name === 'NoSuchBucket')
    return make('no-such-bucket', false, 'Check STRATA_BUCKET, the region and that the stack is deployed.');
  if (name === 'ResourceNotFoundException')
    return make(
      'invalid-request',
      false,
      'The table, secret or function is not there: check STRATA_TABLE, STRATA_COMMAND_SECRET_ARN, the region and that the stack is deployed.',
    );
  // Without a body, as of a HEAD, the status is all that tells.
  if (name === 'PermanentRedirect' || status === 301)
    return make('invalid-request', false, 'The bucket lies in another region: check the region.');
  if (TOO_LARGE.has(name)) return make('too-large', false, 'Send less.');
  if (KEY_REFUSED.test(name))
    return make('access-denied', false, 'Check the state of the key, its policy and the role.');
  if (DENIED.has(name) || status === 403) return make('access-denied', false, 'Check the role and its policies.');
  if (status !== undefined && status >= 400 && status < 500)
    return make('invalid-request', false, 'The request is wrong.');
  if (name === 'CredentialsProviderError')
    return make('unavailable', true, 'Give AWS credentials, by a profile or the environment.');
  if (errorMessage(error).startsWith('Region is missing'))
    return make('invalid-request', false, 'Set AWS_REGION, or a region in the AWS profile.');
  return make('unavailable', true, 'Retry with backoff.');
}

/** Runs one SDK call and maps what it throws. */
export async function mapErrors<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw portErrorOf(what, error);
  }
}

export function invalidRequest(message: string): PortError {
  return new PortError({ code: 'invalid-request', message, retryable: false });
}
