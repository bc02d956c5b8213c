import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerConfig } from '../../../cli/commands/config.ts';
import { planeNames } from '../../../cli/connection/planeNames.ts';
import { useCommands } from '../../support/commands.ts';

const NAMES = [
  'STRATA_ENDPOINT',
  'STRATA_DATA',
  'STRATA_TABLE',
  'STRATA_TOKEN',
  'STRATA_OPERATOR',
  'STRATA_PRICE_LISTS',
];
const PROXIES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
const AWS = {
  STRATA_TABLE: 'strata-catalog',
  STRATA_QUEUE_URL_PREFIX: 'nowhere',
  AWS_ACCESS_KEY_ID: 'AKIA-SECRET',
  AWS_SECRET_ACCESS_KEY: 'very-secret',
  AWS_REGION: 'eu-west-1',
};
const { strata, records, file, at } = useCommands(registerConfig);

beforeEach(() => {
  for (const name of [...NAMES, ...PROXIES, ...Object.keys(AWS), 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  // Where a runtime of this user is looked for.
  vi.stubEnv('TMPDIR', at('.'));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What it says of settings by their names, the schema left out. */
async function shown(...args: readonly string[]) {
  const lines = await records('config', 'show', ...args);
  return lines.map(({ schema, ...line }) => {
    expect(schema).toBe('strata.setting/v1');
    return line;
  });
}

describe('strata config show', () => {
  it('says of a flag that it goes before the environment, and of a plane’s folder what is in it, but no token', async () => {
    await file('operator.json', JSON.stringify({ endpoint: 'http://127.0.0.1:7410', token: 'very-secret' }));
    vi.stubEnv('STRATA_ENDPOINT', 'http://somebody:very-secret@127.0.0.1:1');
    vi.stubEnv('STRATA_TABLE', 'strata-catalog');
    vi.stubEnv('STRATA_OPERATOR', 'ada');
    const from = at('operator.json');
    const note = 'not used: --data goes first';
    const settings = await shown('--data', at('.'));
    expect(settings).toEqual([
      { setting: 'plane', value: 'embedded', source: 'flag', from: '--data' },
      { setting: 'data', value: at('.'), source: 'flag', from: '--data' },
      { setting: 'endpoint', value: 'http://127.0.0.1:7410', source: 'file', from },
      { setting: 'token', value: '[redacted]', source: 'file', from },
      {
        setting: 'endpoint',
        value: 'http://[redacted]@127.0.0.1:1',
        source: 'environment',
        from: 'STRATA_ENDPOINT',
        note,
      },
      { setting: 'table', value: 'strata-catalog', source: 'environment', from: 'STRATA_TABLE', note },
      { setting: 'operator', value: 'ada', source: 'environment', from: 'STRATA_OPERATOR' },
      { setting: 'price-lists', value: 'https://pricing.us-east-1.amazonaws.com', source: 'default' },
    ]);
    expect(JSON.stringify(settings)).not.toContain('secret');
  });

  it('says of an endpoint whether there is a token for it', async () => {
    vi.stubEnv('STRATA_ENDPOINT', 'http://127.0.0.1:7410');
    expect(await shown()).toContainEqual(
      expect.objectContaining({ setting: 'token', source: 'missing', from: 'STRATA_TOKEN' }),
    );
    vi.stubEnv('STRATA_TOKEN', 'very-secret');
    const token = { setting: 'token', value: '[redacted]', source: 'environment', from: 'STRATA_TOKEN' };
    expect(await shown()).toContainEqual(token);
  });

  it('says of a plane on AWS what is missing or wrong, and shows no key', async () => {
    for (const [name, value] of Object.entries(AWS)) vi.stubEnv(name, value);
    const settings = await shown();
    expect(settings.slice(0, 9)).toMatchObject([
      { setting: 'plane', value: 'aws', from: 'STRATA_TABLE' },
      { setting: 'table', value: 'strata-catalog', source: 'environment' },
      { setting: 'bucket', source: 'missing', note: 'STRATA_BUCKET (output BucketName of the deployment) is missing' },
      { setting: 'queue-url-prefix', value: 'nowhere', note: expect.stringContaining('cannot be nowhere') },
      { setting: 'audit-bucket', source: 'missing', note: 'needed by `strata audit verify` alone' },
      { setting: 'command-secret-arn', source: 'missing', note: 'needed by commands to hosts alone' },
      { setting: 'command-ttl-ms', value: '21600000', source: 'default' },
      { setting: 'region', value: 'eu-west-1', source: 'environment', from: 'AWS_REGION' },
      { setting: 'aws-profile', value: 'default', source: 'default' },
    ]);
    expect(settings[9]).toMatchObject({ setting: 'aws-credentials', value: '[redacted]' });
    expect(JSON.stringify(settings)).not.toMatch(/AKIA|very-secret/);
  });

  it('says where no plane is named or runs, and where none has run in a folder', async () => {
    expect((await shown())[0]).toMatchObject({ setting: 'plane', source: 'missing' });
    expect(await shown('--data', at('none'))).toContainEqual(
      expect.objectContaining({
        setting: 'endpoint',
        source: 'missing',
        note: expect.stringContaining('No runtime has run in'),
      }),
    );
    expect(await strata('config', 'show')).toContain(`operator     ${userInfo().username}`);
  });
});

it('a plane is named by a flag before the environment, and by nothing that is empty', () => {
  const environment = { STRATA_ENDPOINT: 'http://e', STRATA_DATA: '', STRATA_TABLE: 't' };
  expect(planeNames({ data: '/d' }, environment).map(({ from }) => from)).toEqual([
    '--data',
    'STRATA_ENDPOINT',
    'STRATA_TABLE',
  ]);
});

it.each([
  ['somebody:very-secret@proxy:3128', '[redacted]@proxy:3128'],
  ['http://somebody:very-s@cret@proxy:3128', 'http://[redacted]@proxy:3128'],
  ['http://proxy:3128', 'http://proxy:3128'],
])('shows of the proxy %s what signs nobody in', async (proxy, value) => {
  vi.stubEnv('https_proxy', proxy);
  expect(await shown()).toContainEqual({ setting: 'https-proxy', value, source: 'environment' });
});
