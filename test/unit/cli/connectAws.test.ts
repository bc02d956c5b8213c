import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectAws } from '../../../cli/connection/aws.ts';
import { describeError, EXIT, exitCodeOf } from '../../../cli/errors.ts';

const ENVIRONMENT = {
  STRATA_TABLE: 'strata-catalog',
  STRATA_BUCKET: 'strata-models',
  STRATA_QUEUE_URL_PREFIX: 'https://sqs.eu-west-1.amazonaws.com/123456789012/strata-',
  STRATA_COMMAND_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys',
};

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_DEFAULT_REGION', undefined);
  vi.stubEnv('AWS_PROFILE', undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function refusal(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const error: unknown = await connectAws(environment).then(
    () => new Error('It was connected.'),
    (thrown: unknown) => thrown,
  );
  expect(exitCodeOf(error)).toBe(EXIT.usage);
  return describeError(error, false);
}

it('connects by what the deployment names', async () => {
  await expect(connectAws(ENVIRONMENT)).resolves.toHaveProperty('operations');
});

it('names what is missing, and only that, with the output that holds it', async () => {
  const text = await refusal({ ...ENVIRONMENT, STRATA_TABLE: '', STRATA_QUEUE_URL_PREFIX: undefined });
  expect(text).toContain('STRATA_TABLE (output TableName of the deployment) is missing');
  expect(text).toContain('STRATA_QUEUE_URL_PREFIX (output QueueUrlPrefix of the deployment) is missing');
  expect(text).not.toContain('STRATA_BUCKET');
});

it.each([
  ['STRATA_QUEUE_URL_PREFIX', 'strata-'],
  ['STRATA_QUEUE_URL_PREFIX', 'arn:aws:sqs:eu-west-1:123456789012:strata-'],
  ['STRATA_COMMAND_TTL_MS', 'six hours'],
])('refuses %s=%s before anything is asked', async (name, value) => {
  expect(await refusal({ ...ENVIRONMENT, [name]: value })).toMatch(new RegExp(`${name}.* cannot be ${value}`));
});

it('says that it takes a region, where neither the environment nor the profile names one', async () => {
  vi.stubEnv('AWS_REGION', undefined);
  expect(await refusal(ENVIRONMENT)).toMatch(/^error\[no-plane\]: No AWS region is given: set AWS_REGION/);
});
