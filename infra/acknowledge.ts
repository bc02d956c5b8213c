import { Stack, Validations } from 'aws-cdk-lib';
import type { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Lets one finding of cdk-nag pass on one resource. The reason says why the finding does not apply there. */
export function acknowledge(construct: IConstruct, finding: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: finding, reason });
}

/** The only ends that a resource pattern may have in a policy, each with its reason. */
export const PATTERN_REASONS: readonly (readonly [ending: string, reason: string])[] = [
  ['/uploads/*', 'Objects below uploads/: their keys are what users upload.'],
  ['/blobs/*', 'Objects below blobs/: their keys are digests of what users upload.'],
  ['/seals/*', 'Seals of the audit trail: named by their number.'],
  ['/stream/*', 'The streams of the one named table: a stream is named by the moment of its creation.'],
  ['/inventory/*', 'The lists that S3 delivers of the model bucket: named by their day.'],
  ['/sweeps/*', 'What map runs leave: named by their sweep.'],
  ['/manifests/*', 'Lists of planned moves: named by their plan.'],
  ['/reports/*', 'What jobs of S3 Batch Operations report: named by their job.'],
  ['-map:*', 'The executions of the one named state machine.'],
  ['/batches:*', 'The children of the one named state machine’s map.'],
  ['-host-*', 'The queues of hosts: hosts come and go without a deployment.'],
];

/**
 * Adds a statement to a role's policy. A resource that is a named prefix (see `PATTERN_REASONS`) is acknowledged with its
 * reason; any other pattern stays a finding and fails the synthesis.
 */
export function allow(role: Role, statement: PolicyStatement): void {
  role.addToPolicy(statement);
  for (const resource of statement.resources) {
    const text = findingText(Stack.of(role).resolve(resource));
    const known = PATTERN_REASONS.find(([ending]) => text.endsWith(ending));
    if (known !== undefined) acknowledge(role, `AwsSolutions-IAM5[Resource::${text}]`, known[1]);
  }
}

/** The text that cdk-nag makes of a resolved value: references in angle brackets, joins joined. */
function findingText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(findingText).join('');
  if (typeof value !== 'object' || value === null) return '';
  if ('Ref' in value && typeof value.Ref === 'string') return `<${value.Ref}>`;
  if (!('Fn::Join' in value) || !Array.isArray(value['Fn::Join'])) return '';
  const [, parts]: unknown[] = value['Fn::Join'];
  return findingText(parts);
}
