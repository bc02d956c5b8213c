import { Stack } from 'aws-cdk-lib';
import { CfnInstanceProfile, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { agentRoleName } from '../names.ts';
import { publish } from '../output.ts';
import type { StrataSettings } from '../settings.ts';

export interface AgentIdentityProps {
  readonly settings: StrataSettings;
  readonly apiId: string;
}

/**
 * The identity by which an EC2 instance registers. Only EC2 may assume the role, and names the session by the instance's id, so
 * the name of a host is one that nobody chose. The role may register and nothing else.
 */
export class AgentIdentity extends Construct {
  constructor(scope: Construct, id: string, { settings, apiId }: AgentIdentityProps) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      roleName: agentRoleName(this, settings.prefix),
      description: 'Lets a GPU host on EC2 register under its instance id',
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    });
    role.addToPolicy(
      new PolicyStatement({
        sid: 'Register',
        actions: ['execute-api:Invoke'],
        resources: [
          Stack.of(this).formatArn({
            service: 'execute-api',
            resource: apiId,
            resourceName: '$default/POST/v1/hosts',
          }),
        ],
      }),
    );
    const profile = new CfnInstanceProfile(this, 'Profile', {
      instanceProfileName: role.roleName,
      roles: [role.roleName],
    });
    publish(this, 'AgentInstanceProfile', profile.ref, 'The instance profile of GPU hosts on EC2');
  }
}
