import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { uploadToS3 } from '../../lib/adapters/aws/s3Upload.ts';
import { openRangedFile } from '../../lib/adapters/files/rangedFile.ts';
import { isPrepared, minioBinary } from '../../local/services/places.ts';

/** One way to the object that all clients fetch. */
export interface Origin {
  readonly name: string;
  readonly url: string;
  /** PEM of the certificate of those that speak TLS. */
  readonly ca: string;
  readonly bytes: number;
  readonly crc32c: string;
  readonly s3?: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly key: string;
    readonly env: Readonly<Record<string, string>>;
    /** Where the server keeps what was deleted for minutes. */
    readonly trash: string;
  };
}

export interface Origins {
  readonly origins: readonly Origin[];
  readonly versions: readonly string[];
  /** What could not be started, and how to have it. */
  readonly missing: readonly string[];
  /** Resolves when they have ended: what still writes would keep its folder from being removed. */
  readonly stop: () => Promise<void>;
}

interface Served {
  readonly folder: string;
  /** Below `folder/www`. */
  readonly file: string;
  readonly bytes: number;
  readonly crc32c: string;
}

/** Starts nginx and MinIO, plain and with TLS, on loopback, with the object in both. */
export async function startOrigins(served: Served): Promise<Origins> {
  const { folder, bytes, crc32c } = served;
  const [key, cert] = [join(folder, 'private.key'), join(folder, 'public.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2'];
  execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
  const stops: Stop[] = [];
  const origins: Origin[] = [];
  const versions: string[] = [];
  const missing: string[] = [];
  const common = { ca: cert, bytes, crc32c };

  const nginx = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  if (nginx.status === 0) {
    versions.push(nginx.stderr.trim());
    const [plain, tls] = await startNginx(served, key, cert, stops);
    origins.push(
      { name: 'nginx', url: `http://localhost:${plain}/${served.file}`, ...common },
      { name: 'nginx-tls', url: `https://localhost:${tls}/${served.file}`, ...common },
    );
  } else missing.push('nginx: apt-get install nginx');

  if (isPrepared('minio')) {
    versions.push(spawnSync(minioBinary(), ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? 'minio');
    for (const tls of [false, true]) origins.push({ ...(await startMinio(served, tls, stops)), ...common });
  } else missing.push('minio: npm run services -- minio');

  return { origins, versions, missing, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

type Stop = () => Promise<void>;

function ended(server: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once('exit', () => resolve());
  if (!server.kill(signal)) resolve();
  return promise;
}

async function startNginx(
  { folder }: Served,
  key: string,
  cert: string,
  stops: Stop[],
): Promise<readonly [number, number]> {
  const [plain, tls] = [await freePort(), await freePort()];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/t;`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root; ' : ''}worker_processes 2; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; ${temporary.join(' ')}
  server { listen 127.0.0.1:${plain}; listen 127.0.0.1:${tls} ssl; root ${folder}/www;
    ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3; } }
`,
  );
  const server = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  stops.push(() => ended(server, 'SIGTERM'));
  await answers(`http://127.0.0.1:${plain}/`);
  return [plain, tls];
}

async function startMinio(
  { folder, file }: Served,
  tls: boolean,
  stops: Stop[],
): Promise<Pick<Origin, 'name' | 'url' | 's3'>> {
  const port = await freePort();
  const certs = join(folder, tls ? 'certs' : 'no-certs');
  mkdirSync(certs);
  if (tls) execFileSync('cp', [join(folder, 'private.key'), join(folder, 'public.crt'), certs]);
  const user = { AWS_ACCESS_KEY_ID: 'strata-bench', AWS_SECRET_ACCESS_KEY: 'strata-bench', AWS_REGION: 'us-east-1' };
  const data = join(folder, tls ? 'minio-tls' : 'minio');
  const server = spawn(
    minioBinary(),
    ['server', '--quiet', '--certs-dir', certs, '--address', `127.0.0.1:${port}`, data],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        MINIO_ROOT_USER: user.AWS_ACCESS_KEY_ID,
        MINIO_ROOT_PASSWORD: user.AWS_SECRET_ACCESS_KEY,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    },
  );
  stops.push(() => ended(server, 'SIGKILL'));
  const endpoint = `${tls ? 'https' : 'http'}://localhost:${port}`;
  if (tls) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  await answers(`${endpoint}/minio/health/ready`);
  const credentials = { accessKeyId: user.AWS_ACCESS_KEY_ID, secretAccessKey: user.AWS_SECRET_ACCESS_KEY };
  const client = new S3Client({ endpoint, region: user.AWS_REGION, credentials, forcePathStyle: true });
  const bucket = 'bench';
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const everybody = {
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject', 's3:DeleteObject'],
    Resource: [`arn:aws:s3:::${bucket}/*`],
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [everybody] });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  const source = await openRangedFile(join(folder, 'www', file));
  await uploadToS3({ client, bucket }, file, source, {}, () => undefined);
  await source.close();
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  const s3 = { endpoint, bucket, key: file, env: user, trash: join(data, '.minio.sys/tmp/.trash') };
  return { name: tls ? 'minio-tls' : 'minio', url: `${endpoint}/${bucket}/${file}`, s3 };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const answered = await fetch(url).then(
      (response) => response.status < 500,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer.`);
}
