import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Origin } from './origins.ts';
import { awsBinary, s5cmdBinary } from './prepare.ts';

export interface ClientCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A downloader beside which ours is measured. */
export interface Client {
  readonly name: string;
  readonly command: string;
  readonly versionArgs: readonly string[];
  /** What it takes to have it. */
  readonly hint: string;
  readonly isOurs?: true;
  /** It prints what its fetch took, as JSON; the others are measured as whole processes. */
  readonly tellsItself?: true;
  /** Undefined: it does not speak to this kind of origin. */
  fetch(origin: Origin, file: string): ClientCommand | undefined;
  /** Absent: it is no uploader. */
  send?(to: NonNullable<Origin['s3']>, ca: string, file: string): ClientCommand;
}

const STREAMS = '16';
/** Of aria2c: as many connections, blocks like those of the others, no time spent on claiming the file's blocks. */
const parallel = ['-q', '--no-conf', '-x', STREAMS, '-s', STREAMS, '-k', '4M', '--file-allocation=none'];
const CLI = join(import.meta.dirname, '../../cli/bin.js');

export function clients(scratch: string): readonly Client[] {
  return [
    {
      name: 'curl',
      command: 'curl',
      versionArgs: ['--version'],
      hint: 'apt-get install curl',
      fetch: ({ url, ca }, file) => ({ command: 'curl', args: ['-sSf', '--cacert', ca, '-o', file, url] }),
    },
    {
      name: 'aria2c',
      command: 'aria2c',
      versionArgs: ['--version'],
      hint: 'apt-get install aria2',
      fetch: ({ url, ca }, file) => ({
        command: 'aria2c',
        args: [...parallel, `--ca-certificate=${ca}`, '--dir=/', `--out=${file.slice(1)}`, url],
      }),
    },
    {
      name: 'rclone',
      command: 'rclone',
      versionArgs: ['version'],
      hint: 'apt-get install rclone',
      fetch(origin, file) {
        const from =
          origin.s3 === undefined
            ? [`:http:${new URL(origin.url).pathname.slice(1)}`, '--http-url', new URL(origin.url).origin]
            : [`:s3:${origin.s3.bucket}/${origin.s3.key}`, '--s3-env-auth', '--s3-endpoint', origin.s3.endpoint];
        const streams = ['--multi-thread-streams', STREAMS, '--multi-thread-cutoff', '1M'];
        const args = ['copyto', ...from, file, ...streams, '--ca-cert', origin.ca, '--config', '/dev/null'];
        return { command: 'rclone', args, ...(origin.s3 === undefined ? {} : { env: origin.s3.env }) };
      },
    },
    {
      name: 'aws-cli',
      command: awsBinary(),
      versionArgs: ['--version'],
      hint: 'npm run bench -- transfer --prepare',
      fetch({ s3, ca }, file) {
        if (s3 === undefined) return undefined;
        const args = ['s3', 'cp', `s3://${s3.bucket}/${s3.key}`, file, '--endpoint-url', s3.endpoint];
        return {
          command: awsBinary(),
          args: [...args, '--ca-bundle', ca, '--only-show-errors'],
          env: { ...s3.env, AWS_CONFIG_FILE: awsConfig(scratch) },
        };
      },
      send: ({ endpoint, bucket, key, env }, ca, file) => ({
        command: awsBinary(),
        args: [
          's3',
          'cp',
          file,
          `s3://${bucket}/${key}`,
          '--endpoint-url',
          endpoint,
          '--ca-bundle',
          ca,
          '--only-show-errors',
        ],
        env: { ...env, AWS_CONFIG_FILE: awsConfig(scratch) },
      }),
    },
    {
      name: 's5cmd',
      command: s5cmdBinary(),
      versionArgs: ['version'],
      hint: 'npm run bench -- transfer --prepare',
      fetch({ s3, ca }, file) {
        if (s3 === undefined) return undefined;
        const from = `s3://${s3.bucket}/${s3.key}`;
        return {
          command: s5cmdBinary(),
          args: ['--endpoint-url', s3.endpoint, 'cp', '--concurrency', STREAMS, from, file],
          env: { ...s3.env, AWS_CA_BUNDLE: ca },
        };
      },
      send: ({ endpoint, bucket, key, env }, ca, file) => ({
        command: s5cmdBinary(),
        args: ['--endpoint-url', endpoint, 'cp', '--concurrency', STREAMS, file, `s3://${bucket}/${key}`],
        env: { ...env, AWS_CA_BUNDLE: ca },
      }),
    },
    {
      name: 'strata',
      command: process.execPath,
      versionArgs: ['--version'],
      hint: 'npm ci',
      isOurs: true,
      tellsItself: true,
      fetch: ({ url, ca, bytes, crc32c }, file) => ({
        command: process.execPath,
        args: [join(import.meta.dirname, 'ours.ts'), url, file, ca, String(bytes), crc32c],
        // As the agent does it by itself.
        env: { NODE_COMPILE_CACHE: join(scratch, 'compiled') },
      }),
    },
    {
      name: 'strata-cli',
      command: process.execPath,
      versionArgs: ['--version'],
      hint: 'npm ci',
      isOurs: true,
      fetch: ({ url, ca, crc32c }, file) => ({
        command: process.execPath,
        args: [CLI, 'fetch', url, file, '--crc32c', crc32c, '--ca', ca, '--quiet'],
        env: { XDG_CACHE_HOME: scratch },
      }),
      send: ({ endpoint, bucket, key, env }, ca, file) => ({
        command: process.execPath,
        args: [CLI, 'upload', file, `s3://${bucket}/${key}`, '--endpoint-url', endpoint, '--force', '--quiet'],
        env: { ...env, NODE_EXTRA_CA_CERTS: ca, XDG_CACHE_HOME: scratch },
      }),
    },
  ];
}

function awsConfig(scratch: string): string {
  const config = join(scratch, 'aws-config');
  writeFileSync(config, `[default]\ns3 =\n  max_concurrent_requests = ${STREAMS}\n`);
  return config;
}

/** The first line of what a client says about itself; undefined where it is not there. */
export function versionOf({ command, versionArgs }: Client): string | undefined {
  const answer = spawnSync(command, versionArgs, { encoding: 'utf8' });
  return answer.status === 0 ? (answer.stdout + answer.stderr).split('\n')[0] : undefined;
}
