import * as z from 'zod/mini';
import { HOUR_MS } from '../../lib/shared/units.ts';

const text = z.string().check(z.minLength(1));
const url = text.check(z.refine((given) => URL.canParse(given) && /^https?:/.test(given)));
const DEFAULT_TTL_MS = String(6 * HOUR_MS);

/** What a plane on AWS is connected by, under the names that the functions have them. */
export const AwsEnvironment = z.object({
  STRATA_TABLE: text,
  STRATA_BUCKET: text,
  STRATA_QUEUE_URL_PREFIX: url,
  /** Read only by `strata audit verify`. */
  STRATA_AUDIT_BUCKET: z.optional(text),
  /** Read only by commands to hosts, which are signed with it. */
  STRATA_COMMAND_SECRET_ARN: z.optional(text),
  STRATA_COMMAND_TTL_MS: z._default(z.string().check(z.regex(/^\d{1,15}$/)), DEFAULT_TTL_MS),
});

/** What the deployment calls them. */
const OUTPUTS: Readonly<Record<string, string>> = {
  STRATA_TABLE: 'TableName',
  STRATA_BUCKET: 'BucketName',
  STRATA_QUEUE_URL_PREFIX: 'QueueUrlPrefix',
  STRATA_AUDIT_BUCKET: 'AuditBucketName',
  STRATA_COMMAND_SECRET_ARN: 'CommandSecretArn',
};

/** What needs those that a plane is connected without. */
export const NEEDED_BY: Readonly<Record<string, string>> = {
  STRATA_AUDIT_BUCKET: '`strata audit verify`',
  STRATA_COMMAND_SECRET_ARN: 'commands to hosts',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is set to nothing names nothing. */
export function parseAwsEnvironment(environment: Environment) {
  return AwsEnvironment.safeParse(Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== '')));
}

/** Which variables are missing or wrong, each in words that go on behind its name. */
export function awsProblems(environment: Environment): ReadonlyMap<string, string> {
  const { error } = parseAwsEnvironment(environment);
  const names = new Set(error?.issues.map(({ path }) => path.join('.')));
  return new Map(
    [...names].map((name) => {
      const output = OUTPUTS[name];
      const where = output === undefined ? '' : ` (output ${output} of the deployment)`;
      const given = environment[name];
      return [name, given === undefined || given === '' ? `${where} is missing` : `${where} cannot be ${given}`];
    }),
  );
}
