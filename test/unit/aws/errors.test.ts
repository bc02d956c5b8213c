import { describe, expect, it } from 'vitest';
import { portErrorOf } from '../../../lib/adapters/aws/errors.ts';
import { PortError } from '../../../lib/shared/errors.ts';

function sdkError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error('said the service'), { name, $metadata: { httpStatusCode } });
}

describe('an error of the SDK', () => {
  it.each([
    ['ProvisionedThroughputExceededException', 400, 'throttled', true],
    ['SlowDown', 503, 'throttled', true],
    ['AnyName', 429, 'throttled', true],
    ['InternalServerError', 500, 'unavailable', true],
    ['ServiceUnavailable', 503, 'unavailable', true],
    ['TimeoutError', undefined, 'unavailable', true],
    ['QueueDeletedRecently', 400, 'unavailable', true],
    ['QueueDoesNotExist', 400, 'no-such-queue', false],
    ['NoSuchBucket', 404, 'no-such-bucket', false],
    ['AccessDenied', 403, 'access-denied', false],
    ['ExpiredToken', 400, 'access-denied', false],
    ['KmsThrottled', 400, 'throttled', true],
    ['KmsDisabled', 400, 'access-denied', false],
    ['KmsAccessDenied', 400, 'access-denied', false],
    ['KMS.DisabledException', 400, 'access-denied', false],
    ['KMS.KMSInvalidStateException', 400, 'access-denied', false],
    ['KMS.NotFoundException', 400, 'access-denied', false],
    ['KMSInvalidStateException', 400, 'access-denied', false],
    ['EntityTooLarge', 400, 'too-large', false],
    ['ValidationException', 400, 'invalid-request', false],
    ['ResourceNotFoundException', 400, 'invalid-request', false],
    ['PermanentRedirect', 301, 'invalid-request', false],
    ['UnknownError', 301, 'invalid-request', false],
  ] as const)('%s with status %s is %s', (name, status, code, retryable) => {
    const cause = sdkError(name, status);
    expect(portErrorOf('do it', cause)).toMatchObject({ code, retryable, cause });
  });

  it('tells what was tried, what happened and what to do', () => {
    expect(portErrorOf('read blobs/x', sdkError('AccessDenied', 403)).message).toBe(
      'Could not read blobs/x: AccessDenied: said the service. Check the role and its policies.',
    );
  });

  it.each([
    ['ResourceNotFoundException', 400, 'STRATA_TABLE'],
    ['QueueDoesNotExist', 400, 'STRATA_QUEUE_URL_PREFIX'],
    ['NoSuchBucket', 404, 'STRATA_BUCKET'],
    ['UnknownError', 301, 'another region'],
  ])('names after %s with status %i what to check', (name, status, named) => {
    expect(portErrorOf('do it', sdkError(name, status)).message).toContain(named);
  });

  it('asks to wait for the name of a queue that was just deleted', () => {
    expect(portErrorOf('create a queue', sdkError('QueueDeletedRecently', 400)).retryAfter).toBe(60_000);
  });

  it('leaves an error of the port as it is', () => {
    const error = new PortError({ code: 'corrupt', message: 'x', retryable: false });
    expect(portErrorOf('do it', error)).toBe(error);
  });
});
