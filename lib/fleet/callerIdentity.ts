import { HostId } from '../shared/ids.ts';

/** `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION`: how AWS names whoever acts in a role. The role's path is not in it. */
const SESSION = /^arn:[a-z-]+:sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\/([\w+=,.@-]+)$/;
const ROLE = /^arn:[a-z-]+:iam::(\d{12}):role\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]+)$/;

/** The name of the role session that an ARN stands for; undefined where it is no session, or no name of a host. */
export function sessionHost(callerArn: string): HostId | undefined {
  const [, , , session] = SESSION.exec(callerArn) ?? [];
  return HostId.safeParse(session).data;
}

/**
 * The one host that an authenticated caller may be: its role session's name, where the role is one of `roles` (ARNs). AWS itself
 * names the session of an EC2 instance by the instance's id; that holds only for roles that nothing but EC2 may assume, which is
 * why others prove nothing.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
 */
export function hostOfCaller(callerArn: string, roles: readonly string[]): HostId | undefined {
  const [, account, role] = SESSION.exec(callerArn) ?? [];
  const trusted = roles.some((arn) => {
    const [, roleAccount, roleName] = ROLE.exec(arn) ?? [];
    return roleName !== undefined && roleAccount === account && roleName === role;
  });
  return trusted ? sessionHost(callerArn) : undefined;
}
