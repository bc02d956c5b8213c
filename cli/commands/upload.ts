import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { formatBytes } from '../../lib/shared/units.ts';
import { CliError } from '../errors.ts';
import { print } from '../output.ts';
import { showProgress } from '../progress.ts';

interface UploadOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly force?: true;
  readonly endpointUrl?: string;
  readonly region?: string;
  readonly pathStyle?: true;
}

/** Adds `strata upload`. */
export function registerUpload(program: Command): void {
  program
    .command('upload')
    .description('upload one file in parts whose SHA-256 S3 verifies; goes on where it was cut off; needs no plane')
    .argument('<file>', 'a regular file')
    .argument('<url>', 's3://bucket/key; one that ends in / is continued with the name of the file')
    .option('--force', 'replace the object when it is there')
    .option('--endpoint-url <url>', 'an S3-compatible store, as MinIO or R2')
    .option('--region <name>', 'of the bucket')
    .option('--path-style', 'address the bucket in the path, not in the host name')
    .option('--json', 'one JSON object, and progress as JSON on stderr')
    .option('-q, --quiet', 'print the URL only')
    .action(runUpload);
}

async function runUpload(path: string, to: string, options: UploadOptions): Promise<void> {
  const [, bucket, prefix] = /^s3:\/\/([^/?]+)\/([^?]*)$/.exec(to) ?? [];
  if (bucket === undefined || prefix === undefined) throw new InvalidArgumentError(`${to} is no s3://bucket/key.`);
  const key = prefix === '' || prefix.endsWith('/') ? `${prefix}${basename(path)}` : prefix;
  const url = `s3://${bucket}/${key}`;
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new CliError({ code: 'bad-path', message: `${path} is no file.`, retryable: false });
  // The SDK loads only where it is needed.
  const { uploadFile } = await import('../../lib/adapters/aws/s3FileUpload.ts');
  const { KeyTakenError } = await import('../../lib/adapters/aws/s3Upload.ts');
  const progress = showProgress(found.size, options.json === true, 'strata.upload.progress/v1');
  const { endpointUrl: endpoint, region, pathStyle } = options;
  const place = { endpoint, region, pathStyle: pathStyle ?? endpoint !== undefined };
  const onBytes = (bytes: number) => progress.add(bytes);
  const replace = options.force === true;
  try {
    const uploaded = await uploadFile({ path, to: { bucket, key }, place, replace, onBytes });
    progress.end();
    print(options, {
      schema: 'strata.upload/v1',
      items: [{ url, ...uploaded }],
      id: (item) => item.url,
      columns: [
        ['URL', (item) => item.url],
        ['SIZE', (item) => formatBytes(item.size)],
        ['KEPT', (item) => formatBytes(item.bytesKept)],
        ['VERSION', (item) => item.versionId],
      ],
    });
  } catch (error) {
    progress.end();
    if (!(error instanceof KeyTakenError)) throw error;
    const message = `${url} is there already; --force replaces it.`;
    throw new CliError({ code: 'exists', message, retryable: false, cause: error });
  }
}
