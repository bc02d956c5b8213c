import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { FUNCTIONS } from '../../functions/index.ts';
import { settingsOf } from '../../infra/settings.ts';
import { createStrata, type StrataStacks } from '../../infra/strata.ts';

// CloudFormation's JSON has no types; assertions say what is expected of it.
// oxlint-disable-next-line typescript/no-explicit-any
export type TemplateJson = any;

export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  /** What becomes of it with its stack; deleted where nothing is said. */
  readonly deletionPolicy: string | undefined;
  readonly properties: Readonly<Record<string, TemplateJson>>;
}

export interface Synthesized {
  readonly settings: ReturnType<typeof settingsOf>;
  readonly stacks: StrataStacks;
  readonly resources: readonly Resource[];
  readonly of: (type: string) => readonly Resource[];
}

/**
 * The stacks of the real declarations, with the context of `cdk.json`; functions carry a line of code instead of their bundles. The CDK's own
 * validation, which only warns and takes seconds, runs where people see what it says: in `cdk synth`.
 */
export function declareStacks(outdir: string, context: Readonly<Record<string, string>> = {}) {
  const { context: flags } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));
  const app = new App({ context: { ...flags, ...context }, outdir, builtinCloudFormationValidation: false });
  const settings = settingsOf(app.node);
  const stacks = createStrata(app, {
    settings,
    env: {},
    declarations: FUNCTIONS,
    codeOf: () => Code.fromInline('exports.handler = async () => {}'),
  });
  return { app, settings, stacks };
}

export function synthesize(context: Readonly<Record<string, string>> = {}): Synthesized {
  const outdir = mkdtempSync(join(tmpdir(), 'strata-synth-'));
  try {
    const { settings, stacks } = declareStacks(outdir, context);
    const resources = Object.entries(stacks).flatMap(([stack, value]) => resourcesOf(stack, value));
    return { settings, stacks, resources, of: (type) => resources.filter((resource) => resource.type === type) };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function resourcesOf(stack: string, value: Stack): readonly Resource[] {
  return Object.entries(Template.fromStack(value).toJSON()['Resources']).map(
    ([logicalId, resource]: [string, TemplateJson]) => ({
      stack,
      logicalId,
      type: resource.Type,
      deletionPolicy: resource.DeletionPolicy,
      properties: resource.Properties ?? {},
    }),
  );
}

let byDefault: Synthesized | undefined;
/** As without any `--context`: once for all files of this process, which only read it. */
export function synthesizedByDefault(): Synthesized {
  byDefault ??= synthesize();
  return byDefault;
}

export interface Statement {
  readonly owner: string;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: unknown;
}

/** Every statement of every identity policy. */
export function identityStatements({ of }: Synthesized): readonly Statement[] {
  const documents = [
    ...of('AWS::IAM::Policy').map((policy) => ({
      owner: policy.logicalId,
      document: policy.properties['PolicyDocument'],
    })),
    ...of('AWS::IAM::Role').flatMap((role) =>
      (role.properties['Policies'] ?? []).map((inline: TemplateJson) => ({
        owner: role.logicalId,
        document: inline.PolicyDocument,
      })),
    ),
  ];
  return documents.flatMap(({ owner, document }) =>
    document.Statement.map((one: TemplateJson) => statementOf(owner, one)),
  );
}

function statementOf(owner: string, statement: TemplateJson): Statement {
  return {
    owner,
    effect: statement.Effect,
    actions: [statement.Action].flat(),
    resources: [statement.Resource].flat().map(textOf),
    conditions: statement.Condition,
  };
}

/** The text of a resolved template value: references in angle brackets. */
export function textOf(value: TemplateJson): string {
  if (typeof value === 'string') return value;
  if (value?.Ref !== undefined) return `<${value.Ref}>`;
  if (value?.['Fn::Join'] !== undefined) return value['Fn::Join'][1].map(textOf).join('');
  if (value?.['Fn::GetAtt'] !== undefined) return `<${[value['Fn::GetAtt']].flat().join('.')}>`;
  if (value?.['Fn::ImportValue'] !== undefined) return `<${textOf(value['Fn::ImportValue'])}>`;
  return JSON.stringify(value);
}
