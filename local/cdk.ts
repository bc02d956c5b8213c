import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const ROOT = join(import.meta.dirname, '..');
const CDK = join(ROOT, 'node_modules/aws-cdk/bin/cdk');

/** What the stacks publish, by the names that `infra/` gives it. */
export const StackOutputs = z.object({
  BucketName: z.string(),
  AuditBucketName: z.string(),
  TableName: z.string(),
  CommandSecretArn: z.string(),
  HostApiUrl: z.string(),
  HostRoleArn: z.string(),
  QueueUrlPrefix: z.string(),
});
export type StackOutputs = z.infer<typeof StackOutputs>;

export interface CdkTarget {
  /** Credentials, region and endpoint; the AWS CLI's own variables. */
  readonly env: NodeJS.ProcessEnv;
  readonly account: string;
  readonly region: string;
  /** Where templates, bundles and outputs are written. */
  readonly folder: string;
  readonly context: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** The same three steps that an operator takes: synthesize (cdk-nag included), bootstrap, deploy. */
export async function cdkDeploy(target: CdkTarget): Promise<StackOutputs> {
  const assembly = join(target.folder, 'assembly');
  const outputs = join(target.folder, 'outputs.json');
  const context = Object.entries(target.context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  // The CDK's own validation only warns, nobody would see it here, and it takes seconds.
  await cdk(target, ['synth', '--quiet', '--no-validation', '--output', assembly, ...context]);
  await cdk(target, ['bootstrap', '--app', assembly, `aws://${target.account}/${target.region}`]);
  await cdk(target, ['deploy', '--app', assembly, '--all', '--require-approval', 'never', '--outputs-file', outputs]);
  const byStack = z
    .record(z.string(), z.record(z.string(), z.string()))
    .parse(JSON.parse(readFileSync(outputs, 'utf8')));
  return StackOutputs.parse(Object.assign({}, ...Object.values(byStack)));
}

/** The resources of every deployed template. */
export function readTemplates(folder: string): readonly TemplateResource[] {
  const assembly = join(folder, 'assembly');
  const manifest = Manifest.parse(JSON.parse(readFileSync(join(assembly, 'manifest.json'), 'utf8')));
  return Object.values(manifest.artifacts).flatMap(({ properties, type }) => {
    if (type !== 'aws:cloudformation:stack' || properties?.templateFile === undefined) return [];
    const template = Template.parse(JSON.parse(readFileSync(join(assembly, properties.templateFile), 'utf8')));
    return Object.entries(template.Resources).map(([logicalId, { Type, Properties }]) => ({
      logicalId,
      type: Type,
      properties: Properties ?? {},
    }));
  });
}

export interface TemplateResource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const Manifest = z.object({
  artifacts: z.record(
    z.string(),
    z.object({ type: z.string(), properties: z.optional(z.object({ templateFile: z.optional(z.string()) })) }),
  ),
});
const Template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.optional(z.record(z.string(), z.unknown())) }),
  ),
});

function cdk(target: CdkTarget, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CDK, ...args, '--no-color', '--no-version-reporting', '--no-notices'], {
      cwd: ROOT,
      env: { ...process.env, ...target.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // The CDK runs the app as a child of its own, which would go on writing when it alone is ended.
    const endGroup = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    target.signal?.addEventListener('abort', endGroup, { once: true });
    if (target.signal?.aborted === true) endGroup();
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      target.signal?.removeEventListener('abort', endGroup);
      if (code === 0) resolve();
      else reject(new Error(`cdk ${args[0]} ended with ${code}:\n${output}`));
    });
  });
}
