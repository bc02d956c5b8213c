import { Duration, Stack } from 'aws-cdk-lib';
import { ArnPrincipal, type IRole, PolicyStatement, Role, SessionTagsPrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import { allow } from '../acknowledge.ts';
import { hostQueuePrefix, hostRoleName } from '../names.ts';
import type { StrataSettings } from '../settings.ts';

export interface HostAccessProps {
  readonly settings: StrataSettings;
  readonly bucketArn: string;
  readonly keyArn: string;
  /** The queues that hosts report to. */
  readonly reportQueueArns: readonly string[];
  /** Of the function that hands the host role's sessions out. */
  readonly issuer: IRole;
}

/**
 * What GPU hosts may do. All hosts share one role; each session carries the tags `strata:host` and `strata:generation`,
 * and the policy builds the queue's name from them, so that a session reads its own queue and no other.
 */
export class HostAccess extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: HostAccessProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      roleName: hostRoleName(this, props.settings.prefix),
      description: 'What a GPU host may do: read its own command queue, report, read blobs',
      assumedBy: new SessionTagsPrincipal(new ArnPrincipal(props.issuer.roleArn)),
      maxSessionDuration: Duration.hours(1),
    });
    for (const statement of statements(this, props)) allow(this.role, statement);
    publish(this, 'HostRoleArn', this.role.roleArn, 'The role that hosts’ sessions have');
  }
}

function statements(scope: Construct, props: HostAccessProps): readonly PolicyStatement[] {
  const own = '${aws:PrincipalTag/strata:host}-${aws:PrincipalTag/strata:generation}';
  const ownQueue = Stack.of(scope).formatArn({
    service: 'sqs',
    resource: `${hostQueuePrefix(props.settings.prefix)}${own}`,
  });
  return [
    new PolicyStatement({
      sid: 'OwnCommands',
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
      resources: [ownQueue],
    }),
    new PolicyStatement({ sid: 'Report', actions: ['sqs:SendMessage'], resources: [...props.reportQueueArns] }),
    // Without s3:ListBucket: no host learns which blobs there are. An object that is gone is 403 to it then, so the plane
    // decides anew after `denied` as it does after `origin-absent`.
    new PolicyStatement({
      sid: 'ReadBlobs',
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: [`${props.bucketArn}/blobs/*`],
    }),
    new PolicyStatement({ sid: 'DecryptBlobs', actions: ['kms:Decrypt'], resources: [props.keyArn] }),
  ];
}
