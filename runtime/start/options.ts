import { parseArgs } from 'node:util';
import { SweepMode } from '../../lib/shared/sweepMode.ts';
import { OPEN_POLICY, parseScanPolicy, type ScanPolicy } from '../../lib/scanning/index.ts';

export interface StartOptions {
  readonly models: readonly string[];
  readonly data: string | undefined;
  readonly once: boolean;
  readonly port: number;
  readonly sweeps: { readonly tierSweep: SweepMode; readonly orphanSweep: SweepMode };
  readonly scanPolicy: ScanPolicy;
}

const DEFAULT_PORT = 7410;

export const USAGE = `npm start -- [options]: Strata in one process on this machine, with two hosts' agents.

  --model FILE   push this file too (safetensors or GGUF); may be repeated
  --data DIR     keep everything in DIR, also over restarts; default: a temporary folder that is removed at the end
  --port N       of the endpoint on loopback; 0 takes a free one; default ${DEFAULT_PORT}, with --once a free one
  --tier-sweep MODE, --orphan-sweep MODE
                 on, dry-run (decide and report) or off: of the daily sweeps; default on
  --scan-policy JSON  what a verdict means, as {"allowSuspicious":false,"formats":["safetensors"]}; default: STRATA_SCAN_POLICY
  --once         push, check every result, stop; exit 0 when all of it is right, else 1
`;

/** The command line is not what the program takes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function parseOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions | 'help' {
  const values = read(args);
  if (values.help === true) return 'help';
  const once = values.once === true;
  const port = Number(values.port ?? (once ? 0 : DEFAULT_PORT));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port is a number from 0 to 65535.');
  const sweeps = { tierSweep: mode(values, 'tier-sweep'), orphanSweep: mode(values, 'orphan-sweep') };
  const scanPolicy = policyOf(values['scan-policy'] ?? environment['STRATA_SCAN_POLICY']);
  return { models: values.model ?? [], data: values.data, once, port, sweeps, scanPolicy };
}

function mode(values: ReturnType<typeof read>, name: 'tier-sweep' | 'orphan-sweep'): SweepMode {
  const parsed = SweepMode.safeParse(values[name] ?? 'on');
  if (!parsed.success) throw new UsageError(`--${name} is one of ${SweepMode.options.join(', ')}.`);
  return parsed.data;
}

function policyOf(text: string | undefined): ScanPolicy {
  try {
    return text === undefined ? OPEN_POLICY : parseScanPolicy(text);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        model: { type: 'string', multiple: true },
        data: { type: 'string' },
        port: { type: 'string' },
        'tier-sweep': { type: 'string' },
        'orphan-sweep': { type: 'string' },
        'scan-policy': { type: 'string' },
        once: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
