import type { Command } from 'commander';
import type { OutputOptions } from '../output.ts';
import { CliError } from '../errors.ts';
import { findOperatorFile, readOperatorFile } from './operatorFile.ts';
import { connectLoopback } from './loopback.ts';
import type { Plane } from './plane.ts';
import { type PlaneFlags, planeNames } from './planeNames.ts';

export interface PlaneOptions extends OutputOptions, PlaneFlags {}

/** Which plane: for commands that also work without one. */
export function withAddress(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder of the embedded runtime (STRATA_DATA)')
    .option('--endpoint <url>', 'of the embedded runtime, with STRATA_TOKEN (STRATA_ENDPOINT)');
}

/** The options of every command that talks to a plane. Each has a twin in the environment; the flag wins. */
export function withPlane(command: Command): Command {
  return withAddress(command).option('--json', 'one JSON object a line').option('-q, --quiet', 'ids only, one a line');
}

/**
 * Finds the plane: an endpoint or a data folder that is named, by a flag before the environment, AWS where `STRATA_TABLE` is set, else
 * the embedded runtime that this user runs. `strata config show` tells which. Throws `CliError` `no-plane`.
 */
export async function connect(options: PlaneOptions): Promise<Plane> {
  const [named] = planeNames(options, process.env);
  switch (named?.kind) {
    case 'endpoint':
      return connectLoopback({ endpoint: named.value, token: process.env['STRATA_TOKEN'] ?? '' });
    case 'data':
      return connectLoopback(await readOperatorFile(named.value), ` -- --data ${named.value}`);
    case 'aws': {
      // The SDK is a large part of the start-up time, and only this way needs it.
      const { connectAws } = await import('./aws.ts');
      return connectAws(process.env);
    }
    case undefined:
      return connectFound();
  }
}

async function connectFound(): Promise<Plane> {
  const found = await findOperatorFile();
  if (found !== undefined) return connectLoopback(found.operator);
  throw new CliError({
    code: 'no-plane',
    message:
      'No running plane was found. Start one with `npm start`, name its data folder with --data, or set STRATA_TABLE and what goes with it for AWS.',
    retryable: false,
  });
}
