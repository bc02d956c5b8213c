import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { makeFolder } from '../../lib/adapters/files/makeFolder.ts';
import { openAnew, writeAnew } from '../../lib/adapters/files/stagingFile.ts';
import { TierPolicyName } from '../../lib/shared/sweepMode.ts';
import { type EpochMs, formatUsd, Usd } from '../../lib/shared/units.ts';
import { moveJob, moveName, originLine } from '../../lib/tiering/index.ts';
import { CliError, FindingsError } from '../errors.ts';
import { note, type OutputOptions, print } from '../output.ts';
import type { PlannedMove } from './applyPlan.ts';

export interface ManifestOptions extends OutputOptions {
  readonly manifest?: string;
  readonly inventory?: string;
  readonly policy: string;
  readonly at: EpochMs;
  readonly maxCost: number;
  readonly maxMoves: number;
  readonly bucket?: string;
  readonly inventoryBucket?: string;
  readonly account?: string;
  readonly jobRole?: string;
  readonly jobFunction?: string;
}

/** The options that say where a job's files lie and what it runs as: outputs of the stacks. */
export function withManifest(command: Command): Command {
  return command
    .option('--manifest <dir>', 'write the moves as manifests and jobs of S3 Batch Operations into this folder')
    .addOption(new Option('--bucket <name>', 'with --manifest: the model bucket').env('STRATA_BUCKET'))
    .addOption(new Option('--inventory-bucket <name>', 'with --manifest').env('STRATA_INVENTORY_BUCKET'))
    .addOption(new Option('--account <id>', 'with --manifest: of AWS').env('STRATA_ACCOUNT'))
    .addOption(new Option('--job-role <arn>', 'with --manifest: what jobs run as').env('STRATA_JOB_ROLE'))
    .addOption(new Option('--job-function <arn>', 'with --manifest: what jobs call').env('STRATA_JOB_FUNCTION'));
}

/** S3 takes so much in one request; only then its ETag is the MD5 that a job names. */
const MOST_BYTES = 5_000_000_000;

interface OpenManifest {
  readonly move: Pick<PlannedMove, 'action' | 'to'>;
  readonly file: FileHandle;
  readonly path: string;
  /** Its name until all of it is written. */
  readonly partial: string;
  readonly md5: Hash;
  lines: number;
  bytes: number;
  usd: number;
}

/**
 * Writes planned moves, one manifest a class, in the memory of a line, and at the end a job for each. A file has its name only when it is
 * whole; of one that failed, or would catch an object in use, `abandon` leaves nothing behind.
 */
export class ManifestWriter {
  private readonly open = new Map<string, OpenManifest>();
  private readonly runId = randomUUID();
  private caught = 0;
  private readonly options: ManifestOptions;
  private readonly folder: string;
  private readonly place: {
    bucket: string;
    inventoryBucket: string;
    accountId: string;
    roleArn: string;
    functionArn: string;
  };

  constructor(folder: string, options: ManifestOptions) {
    if (options.inventory !== undefined) {
      throw refused('An inventory may be old: a manifest is made of what the plane knows. Leave --inventory out.');
    }
    const need = (name: string, value: string | undefined): string => {
      if (value === undefined || value === '')
        throw refused(`--manifest needs ${name}: see the outputs of the stacks.`);
      return value;
    };
    this.options = options;
    this.folder = folder;
    this.place = {
      bucket: need('--bucket', options.bucket),
      inventoryBucket: need('--inventory-bucket', options.inventoryBucket),
      accountId: need('--account', options.account),
      roleArn: need('--job-role', options.jobRole),
      functionArn: need('--job-function', options.jobFunction),
    };
  }

  async add(move: PlannedMove, versionId: string): Promise<void> {
    if (move.caught !== undefined) {
      this.caught += 1;
      if (this.caught <= 20) note(`  ${move.digest.slice(0, 12)} ${move.caught}`);
      return;
    }
    const manifest = await this.manifestOf(move);
    const line = originLine(this.place.bucket, move.digest, versionId);
    manifest.lines += 1;
    manifest.bytes += line.length;
    manifest.usd += move.usd;
    if (manifest.bytes > MOST_BYTES) throw refused(`${manifest.path} would be larger than 5 GB: plan in parts.`);
    manifest.md5.update(line);
    await manifest.file.write(line);
  }

  /** Takes away what is not whole. */
  async abandon(): Promise<void> {
    for (const [name, { file, partial }] of this.open) {
      await file.close().catch(() => undefined);
      await rm(partial, { force: true });
      await rm(`${this.jobPath(name)}.partial`, { force: true });
    }
  }

  async end(): Promise<void> {
    for (const { file } of this.open.values()) {
      await file.sync();
      await file.close();
    }
    if (this.caught > 0) {
      note(`BLOCKED: ${this.caught} of the objects are in use; no manifest was written.`);
      throw new FindingsError('objects in use would be caught');
    }
    const items = [];
    for (const [name, { lines, md5, move, partial, path, usd }] of this.open) {
      const manifestKey = `manifests/${this.runId}/${name}.csv`;
      const job = moveJob(
        {
          runId: this.runId,
          policy: TierPolicyName.parse(this.options.policy),
          at: this.options.at,
          action: move.action,
          to: move.to,
          limits: { budgetUsd: this.options.maxCost, mostMoves: this.options.maxMoves },
          lines,
          manifestKey,
          manifestMd5: md5.digest('hex'),
        },
        this.place,
      );
      const jobPath = this.jobPath(name);
      // A job that is there fits the manifest beside it.
      await rm(jobPath, { force: true });
      await rename(partial, path);
      await writeAnew(`${jobPath}.partial`, `${JSON.stringify(job, undefined, 2)}\n`, 0o666);
      await rename(`${jobPath}.partial`, jobPath);
      items.push({ to: name, objects: lines, usd, manifest: path, job: jobPath, manifestKey });
    }
    print(this.options, {
      schema: 'strata.manifest/v1',
      items,
      id: ({ job }) => job,
      columns: [
        ['TO', ({ to }) => to],
        ['OBJECTS', ({ objects }) => String(objects)],
        ['ONCE', ({ usd }) => formatUsd(Usd.parse(usd))],
        ['JOB', ({ job }) => job],
      ],
      empty: 'Nothing would move.',
    });
    for (const { job, manifest, manifestKey } of items) {
      note(`aws s3api put-object --bucket ${this.place.inventoryBucket} --key ${manifestKey} --body ${manifest}`);
      note(`aws s3control create-job --cli-input-json file://${job}`);
    }
  }

  private jobPath(name: string): string {
    return join(this.folder, `${name}.json`);
  }

  private async manifestOf(move: OpenManifest['move']): Promise<OpenManifest> {
    const name = moveName(move);
    const found = this.open.get(name);
    if (found !== undefined) return found;
    makeFolder(this.folder);
    const path = join(this.folder, `${name}.csv`);
    const partial = `${path}.partial`;
    const made = {
      move,
      file: await openAnew(partial, 0o666),
      path,
      partial,
      md5: createHash('md5'),
      lines: 0,
      bytes: 0,
      usd: 0,
    };
    this.open.set(name, made);
    return made;
  }
}

function refused(message: string): CliError {
  return new CliError({ code: 'bad-path', message, retryable: false });
}
