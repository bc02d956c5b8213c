import { styleText } from 'node:util';
import type { Command } from 'commander';
import { STATUSES, type Status } from '../../lib/scanning/index.ts';
import { StrataError } from '../../lib/shared/errors.ts';
import { jsonLine, printableLine } from '../../lib/shared/printable.ts';
import { formatBytes } from '../../lib/shared/units.ts';
import { positive } from '../arguments.ts';
import { CliError, describeError, EXIT, exitCodeOf } from '../errors.ts';
import { toSarif } from '../scan/sarif.ts';
import { writeText } from '../textFiles.ts';
import { type ScanLine, scanTarget } from '../scan/scanFile.ts';
import { targetsOf } from '../scan/sources.ts';

interface ScanOptions {
  readonly json?: true;
  readonly sarif?: string;
  readonly timeout: number;
}

/** Below the ten seconds in which a function must have judged a file. */
const DEFAULT_TIMEOUT_SECONDS = 9;

/** Adds `strata scan`, which fails where anything is not clean. */
export function registerScan(program: Command): void {
  program
    .command('scan')
    .description(
      'judge model files by their content: format, safety, what they hold; needs neither AWS nor a running plane',
    )
    .argument('<path...>', 'files, folders, s3://bucket/key or s3://bucket/prefix/')
    .option('--json', 'one JSON object per file, as it is judged')
    .option('--sarif <file>', 'write the findings for code scanning services')
    .option('--timeout <seconds>', 'per file; what takes longer is unscanned', positive, DEFAULT_TIMEOUT_SECONDS)
    .action(scan);
}

/** Of several ends the first here: what was found is not hidden by what may be judged later. */
const BY_WEIGHT = [EXIT.usage, EXIT.failed, EXIT.credentials, EXIT.retry] as const;

async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const findings: ScanLine[] = [];
  const ends = new Set<number>();
  const counts = new Map<Status, number>(STATUSES.map((status) => [status, 0]));
  for (const path of paths) {
    try {
      for await (const target of targetsOf(path)) {
        const line = await scanTarget(target, options.timeout);
        counts.set(line.verdict, (counts.get(line.verdict) ?? 0) + 1);
        if (line.verdict !== 'clean') findings.push({ ...line, reasons: line.reasons.slice(0, 10) });
        process.stdout.write(options.json === true ? jsonLine(line) : forPeople(line));
      }
    } catch (error) {
      const told = error instanceof StrataError ? error : notScanned(path, error);
      process.stderr.write(describeError(told, options.json === true));
      ends.add(exitCodeOf(told));
    }
  }
  if (options.sarif !== undefined) await writeText(options.sarif, toSarif(findings));
  const summary = [...counts].filter(([, count]) => count > 0).map(([status, count]) => `${count} ${status}`);
  if (options.json !== true) process.stdout.write(`${summary.join(', ') || 'nothing to scan'}\n`);
  if (findings.length > 0) ends.add(EXIT.failed);
  process.exitCode = BY_WEIGHT.find((code) => ends.has(code));
}

function notScanned(path: string, cause: unknown): CliError {
  return new CliError({ code: 'bad-path', message: `${path} cannot be scanned.`, retryable: false, cause });
}

const COLOURS = {
  clean: 'green',
  suspicious: 'yellow',
  unscanned: 'yellow',
  invalid: 'red',
  malicious: 'red',
} as const;

function forPeople({ file, verdict, format, bytes, family, kind, reasons }: ScanLine): string {
  const what = family === undefined ? format : `${format}, ${family} (${kind})`;
  // styleText looks at NO_COLOR and at whether the stream is a terminal.
  const lines = [
    `${styleText(COLOURS[verdict], verdict.padEnd(10), { stream: process.stdout })} ${printableLine(file)}  ${printableLine(what)}, ${formatBytes(bytes)}`,
  ];
  for (const { rule, offset, text } of reasons) {
    lines.push(`             ${rule}${offset === undefined ? '' : ` at ${offset}`}: ${printableLine(text)}`);
  }
  const fix = reasons.find((reason) => reason.fix !== undefined)?.fix;
  if (fix !== undefined) lines.push(`             fix: ${fix}`);
  return `${lines.join('\n')}\n`;
}
