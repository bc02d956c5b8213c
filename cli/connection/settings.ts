import { join } from 'node:path';
import { proxySettings } from '../../lib/adapters/transfer/http/proxy.ts';
import { redactedText } from '../../lib/operations/index.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { userName } from '../userName.ts';
import { AwsEnvironment, awsProblems, NEEDED_BY } from './awsEnvironment.ts';
import { findOperatorFile, type OperatorFile, readOperatorFile } from './operatorFile.ts';
import { type PlaneFlags, type PlaneName, planeNames } from './planeNames.ts';

/** One setting of the command line as it is now. Never with a secret in it. */
export interface Setting {
  readonly setting: string;
  readonly value?: string | undefined;
  /** `found`: a runtime that this user runs; `missing`: nothing says it, and something needs it. */
  readonly source: 'flag' | 'environment' | 'file' | 'profile' | 'found' | 'default' | 'missing';
  /** The flag, the variable, the file or the profile. */
  readonly from?: string | undefined;
  readonly note?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SECRET = '[redacted]';

/** Everything by which commands find their plane and whom they act as: what counts first, then what it keeps from counting. */
export async function settingsOf(
  flags: PlaneFlags,
  environment: Environment,
  priceLists: string,
): Promise<readonly Setting[]> {
  const [named, ...others] = planeNames(flags, environment);
  return [
    ...(named === undefined ? await foundPlane() : await namedPlane(named, environment)),
    ...others.map(({ kind, from, source, value }): Setting => {
      return {
        setting: kind === 'aws' ? 'table' : kind,
        value: shown(value),
        source,
        from,
        note: `not used: ${named?.from} goes first`,
      };
    }),
    { setting: 'operator', ...given(environment, 'STRATA_OPERATOR', userName) },
    { setting: 'price-lists', ...given(environment, 'STRATA_PRICE_LISTS', () => priceLists) },
    ...proxies(environment),
  ];
}

async function namedPlane({ kind, value, source, from }: PlaneName, environment: Environment): Promise<Setting[]> {
  const plane: Setting = { setting: 'plane', value: kind === 'aws' ? 'aws' : 'embedded', source, from };
  switch (kind) {
    case 'aws':
      return [plane, ...(await awsSettings(environment))];
    case 'endpoint':
      return [plane, { setting: 'endpoint', value: shown(value), source, from }, tokenOf(environment)];
    case 'data':
      return [
        plane,
        { setting: 'data', value, source, from },
        ...(await operatorSettings(value, readOperatorFile(value))),
      ];
  }
}

async function foundPlane(): Promise<Setting[]> {
  const found = await findOperatorFile();
  if (found === undefined)
    return [{ setting: 'plane', source: 'missing', note: 'no running plane was found, and none is named' }];
  const { folder, operator } = found;
  return [
    { setting: 'plane', value: 'embedded', source: 'found', note: 'the newest that this user runs' },
    { setting: 'data', value: folder, source: 'found' },
    ...(await operatorSettings(folder, Promise.resolve(operator))),
  ];
}

/** What the embedded runtime writes into its folder. */
async function operatorSettings(folder: string, reading: Promise<OperatorFile>): Promise<Setting[]> {
  const from = join(folder, 'operator.json');
  try {
    const { endpoint } = await reading;
    return [
      { setting: 'endpoint', value: shown(endpoint), source: 'file', from },
      { setting: 'token', value: SECRET, source: 'file', from },
    ];
  } catch (error) {
    return [{ setting: 'endpoint', source: 'missing', from, note: errorText(error) }];
  }
}

function tokenOf({ STRATA_TOKEN }: Environment): Setting {
  const from = 'STRATA_TOKEN';
  if (STRATA_TOKEN === undefined || STRATA_TOKEN === '') {
    return { setting: 'token', source: 'missing', from, note: 'the plane refuses whoever has none' };
  }
  return { setting: 'token', value: SECRET, source: 'environment', from };
}

async function awsSettings(environment: Environment): Promise<Setting[]> {
  const problems = awsProblems(environment);
  const settings = Object.entries(AwsEnvironment.shape).map(([name, schema]): Setting => {
    const setting = name.replace('STRATA_', '').toLowerCase().replaceAll('_', '-');
    const problem = problems.get(name);
    const value = environment[name] === '' ? undefined : environment[name];
    if (problem !== undefined)
      return {
        setting,
        value: shown(value),
        source: value === undefined ? 'missing' : 'environment',
        from: name,
        note: shown(`${name}${problem}`),
      };
    if (value !== undefined) return { setting, value: shown(value), source: 'environment', from: name };
    const byDefault = schema.safeParse(undefined).data;
    return byDefault === undefined
      ? { setting, source: 'missing', from: name, note: `needed by ${NEEDED_BY[name]} alone` }
      : { setting, value: byDefault, source: 'default' };
  });
  return [...settings, await regionOf(environment), ...credentialsOf(environment)];
}

async function regionOf({ AWS_REGION, AWS_PROFILE }: Environment): Promise<Setting> {
  if (AWS_REGION !== undefined && AWS_REGION !== '')
    return { setting: 'region', value: AWS_REGION, source: 'environment', from: 'AWS_REGION' };
  const from = AWS_PROFILE || 'default';
  const { createS3Client } = await import('../../lib/adapters/aws/clients.ts');
  try {
    return { setting: 'region', value: await createS3Client().config.region(), source: 'profile', from };
  } catch {
    return {
      setting: 'region',
      source: 'missing',
      from: 'AWS_REGION',
      note: `the AWS profile ${from} names none either`,
    };
  }
}

/** The SDK looks for them when it needs them, at places that this does not ask. */
function credentialsOf({ AWS_ACCESS_KEY_ID, AWS_PROFILE }: Environment): Setting[] {
  const profile: Setting =
    AWS_PROFILE === undefined || AWS_PROFILE === ''
      ? { setting: 'aws-profile', value: 'default', source: 'default' }
      : { setting: 'aws-profile', value: AWS_PROFILE, source: 'environment', from: 'AWS_PROFILE' };
  if (AWS_ACCESS_KEY_ID === undefined || AWS_ACCESS_KEY_ID === '') return [profile];
  return [profile, { setting: 'aws-credentials', value: SECRET, source: 'environment', from: 'AWS_ACCESS_KEY_ID' }];
}

function proxies(environment: Environment): Setting[] {
  const { http, https, no } = proxySettings(environment);
  const all = { 'http-proxy': http, 'https-proxy': https, 'no-proxy': no };
  return Object.entries(all).flatMap(([setting, value]): Setting[] =>
    value === undefined || value === '' ? [] : [{ setting, value: shownProxy(value), source: 'environment' }],
  );
}

function given(environment: Environment, from: string, byDefault: () => string | undefined): Omit<Setting, 'setting'> {
  const value = environment[from];
  if (value !== undefined && value !== '') return { value: shown(value), source: 'environment', from };
  const other = byDefault();
  return other === undefined ? { source: 'missing', from } : { value: other, source: 'default' };
}

/** Without what a URL may carry to sign somebody in. */
function shown(value: string | undefined): string | undefined {
  return value === undefined ? undefined : redactedText(value);
}

/** A proxy may be named without a scheme, and its password may have any character. */
function shownProxy(value: string): string {
  return value.replace(/^([^/]*:\/\/)?.*@/, `$1${SECRET}@`);
}
