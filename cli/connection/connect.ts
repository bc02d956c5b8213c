import type { Command } from 'commander';
import type { OutputOptions } from '../output.ts';
import { CliError } from '../errors.ts';
import { findOperatorFile, readOperatorFile } from './operatorFile.ts';
import { connectLoopback } from './loopback.ts';
import type { Plane } from './plane.ts';

export interface PlaneOptions extends OutputOptions {
  readonly data?: string;
  readonly endpoint?: string;
}

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
 * Finds the plane: an endpoint or a data folder that is named, AWS where `STRATA_TABLE` is set, else the embedded runtime that
 * this user runs. Throws `CliError` `no-plane`.
 */
export async function connect(options: PlaneOptions): Promise<Plane> {
  const endpoint = options.endpoint ?? named('STRATA_ENDPOINT');
  if (endpoint !== undefined) return connectLoopback({ endpoint, token: process.env['STRATA_TOKEN'] ?? '' });
  const data = options.data ?? named('STRATA_DATA');
  if (data !== undefined) return connectLoopback(await readOperatorFile(data), ` -- --data ${data}`);
  if (named('STRATA_TABLE') !== undefined) {
    // The SDK is a large part of the start-up time, and only this way needs it.
    const { connectAws } = await import('./aws.ts');
    return connectAws(process.env);
  }
  const found = await findOperatorFile();
  if (found !== undefined) return connectLoopback(found);
  throw new CliError({
    code: 'no-plane',
    message:
      'No running plane was found. Start one with `npm start`, name its data folder with --data, or set STRATA_TABLE and what goes with it for AWS.',
    retryable: false,
  });
}

/** A variable that is set to nothing names nothing. */
function named(variable: string): string | undefined {
  const value = process.env[variable];
  return value === '' ? undefined : value;
}
