import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, type ServiceProcess, startProcess, waitForHttp } from './process.ts';
import { minioBinary, ministackPython } from './places.ts';

/** A running service with everything that a client needs. Its data and log live in a temporary folder that `stop` removes. */
export interface RunningService {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';

/**
 * The local AWS. Functions run as Node processes that it starts, so the Node of this process comes first on its PATH.
 * Its IoT and SFTP listeners are off and everything listens on loopback only. With `enforcesPolicies` it evaluates IAM
 * policies for every caller but the root credentials that it answers here.
 */
export async function startMiniStack(options: { readonly enforcesPolicies?: boolean } = {}): Promise<RunningService> {
  const port = await freePort();
  const credentials = { accessKeyId: '000000000000', secretAccessKey: 'local' };
  return start({
    name: 'ministack',
    command: ministackPython(),
    args: ['-m', 'ministack'],
    health: '/_ministack/health',
    port,
    credentials,
    env: () => ({
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_REGION: REGION,
      MINISTACK_ACCOUNT_ID: credentials.accessKeyId,
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      AUTH: String(options.enforcesPolicies === true),
      LAMBDA_EXECUTOR: 'local',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
    }),
  });
}

/** A second implementation of S3, whose checksums and conditions are enforced. */
export async function startMinio(): Promise<RunningService> {
  const port = await freePort();
  const credentials = { accessKeyId: 'strata-local', secretAccessKey: 'strata-local-secret' };
  return start({
    name: 'minio',
    command: minioBinary(),
    args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, 'data'],
    health: '/minio/health/ready',
    port,
    credentials,
    env: () => ({
      PATH: process.env['PATH'] ?? '',
      MINIO_ROOT_USER: credentials.accessKeyId,
      MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    }),
  });
}

async function start(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly health: string;
  readonly port: number;
  readonly credentials: RunningService['credentials'];
  readonly env: () => NodeJS.ProcessEnv;
}): Promise<RunningService> {
  const folder = mkdtempSync(join(tmpdir(), `strata-${options.name}-`));
  const logFile = join(folder, 'log.txt');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const endpoint = `http://127.0.0.1:${options.port}`;
  const service: ServiceProcess = startProcess({
    command: options.command,
    args: options.args,
    folder,
    env: { ...options.env(), HOME: folder, TMPDIR: temporary },
    logFile,
  });
  await waitForHttp(`${endpoint}${options.health}`, service, logFile, 30);
  return {
    endpoint,
    credentials: options.credentials,
    region: REGION,
    logFile,
    stop: () => service.stop(),
  };
}
