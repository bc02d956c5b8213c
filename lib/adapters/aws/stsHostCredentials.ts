import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { HostCredentialIssuer } from '../../fleet/index.ts';
import { PortError } from '../../shared/errors.ts';
import { EpochMs, HOUR_MS, SECOND_MS } from '../../shared/units.ts';
import { mapErrors } from './errors.ts';

/** A role that a role assumes lasts at most an hour. */
const SESSION_MS = HOUR_MS;

/**
 * Rights of one host in one generation: a session of the host role whose tags name both. The role's policy builds the
 * queue's name from the tags, so a session can read no other host's queue.
 */
export function createStsHostCredentials(options: {
  readonly client: STSClient;
  readonly roleArn: string;
}): HostCredentialIssuer {
  return {
    async issue(host, generation) {
      const answer = await mapErrors(`issue credentials to host ${host}`, () =>
        options.client.send(
          new AssumeRoleCommand({
            RoleArn: options.roleArn,
            RoleSessionName: `${host}.${generation}`,
            DurationSeconds: SESSION_MS / SECOND_MS,
            Tags: [
              { Key: 'strata:host', Value: host },
              { Key: 'strata:generation', Value: String(generation) },
            ],
          }),
        ),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || Expiration === undefined) {
        throw new PortError({
          code: 'unavailable',
          message: `STS answered no credentials for host ${host}. Retry later.`,
          retryable: true,
        });
      }
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiresAt: EpochMs.parse(Expiration.getTime()),
      };
    },
  };
}
