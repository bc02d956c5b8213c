import { expect, it, onTestFinished, vi } from 'vitest';
import { parseSettings } from '../../../agent/wiring/config.ts';
import { connectAws } from '../../../cli/connection/aws.ts';
import { connectionLines } from '../../../local/connection.ts';

it('is printed so that the command line connects and an agent starts by it, and by nothing else', async () => {
  const lines = connectionLines({
    environment: {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: '000000000000',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    outputs: {
      BucketName: 'models',
      AuditBucketName: 'audit',
      TableName: 'catalog',
      CommandSecretArn: 'keys',
      HostApiUrl: 'https://x.execute-api.us-east-1.amazonaws.com/',
      HostRoleArn: 'arn:aws:iam::000000000000:role/host',
      QueueUrlPrefix: 'http://127.0.0.1:4566/000000000000/strata-',
    },
    region: 'us-east-1',
    planeUrl: 'http://127.0.0.1:7777',
  });
  const exported = lines
    .filter((line) => line.startsWith('  export '))
    .flatMap((line) => line.trim().split(' ').slice(1));
  const environment = Object.fromEntries(exported.map((one) => one.split('=', 2)));
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, String(value));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await expect(connectAws(process.env)).resolves.toHaveProperty('operations');
  const { plane, runtime } = parseSettings(['--host', 'gpu-1', '--data', '/nvme/strata'], environment);
  expect({ plane, runtime }).toMatchObject({ plane: 'http://127.0.0.1:7777', runtime: { bucket: 'models' } });
});
