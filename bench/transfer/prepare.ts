import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { servicesFolder } from '../../local/services/places.ts';

/* The peers that no distribution brings, beside what `npm run services` prepares; each appears by one rename. */
const S5CMD_VERSION = 'v2.3.0';
const AWS_VERSION = '1.46.2';
const s5cmdFolder = (): string => join(servicesFolder(), `s5cmd-${S5CMD_VERSION}`);
const awsFolder = (): string => join(servicesFolder(), `aws-cli-${AWS_VERSION}`);

export const s5cmdBinary = (): string => join(s5cmdFolder(), 's5cmd');
export const awsBinary = (): string => join(awsFolder(), 'bin', 'aws');

/** Builds s5cmd from its Go module and installs aws-cli; MinIO by `npm run services`. @throws Error naming the step that failed */
export function preparePeers(): void {
  mkdirSync(servicesFolder(), { recursive: true });
  step('npm', ['run', '--silent', 'services', '--', 'minio']);
  if (!existsSync(s5cmdFolder())) {
    const partial = `${s5cmdFolder()}.partial`;
    step('go', ['install', `github.com/peak/s5cmd/v2@${S5CMD_VERSION}`], { GOBIN: partial });
    renameSync(partial, s5cmdFolder());
  }
  if (!existsSync(awsFolder())) {
    // A virtual environment knows its own place, so it is made there and taken away where that fails.
    try {
      step('python3', ['-m', 'venv', awsFolder()]);
      step(join(awsFolder(), 'bin', 'python'), ['-m', 'pip', '--quiet', 'install', `awscli==${AWS_VERSION}`]);
    } catch (error) {
      rmSync(awsFolder(), { recursive: true, force: true });
      throw error;
    }
  }
}

function step(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const ended = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  if (ended.status !== 0) throw new Error(`${command} ${args.join(' ')} failed.`);
}
