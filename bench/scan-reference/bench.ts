import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import * as z from 'zod/mini';
import { createBufferReader, judgeHeader } from '../../lib/scanning/index.ts';

const here = new URL('.', import.meta.url).pathname;

const Reference = z.object({
  file: z.string(),
  format: z.string(),
  changed: z.boolean(),
  accepted: z.boolean(),
  why: z.string(),
});

interface Tally {
  files: number;
  agree: number;
  /** Accepted by the reference and not by us, by our rule; the other way round, by its error. */
  stricter: Map<string, number>;
  laxer: Map<string, number>;
}

/**
 * `npm run bench -- scan-reference [--python PYTHON] [--count N]`: the reference libraries' own files and changed copies of
 * them, read by both sides. Prints where they agree, and for the rest which of our rules refuses what the reference reads
 * and which of its errors we do not have; docs/scanning.md gives the reasons.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      python: { type: 'string', default: join(here, '../../.services/scan-libraries/bin/python') },
      count: { type: 'string', default: '1000' },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'strata-bench-reference-'));
  try {
    const execute = promisify(execFile);
    await execute(values.python, [join(here, '../scan/harmless.py'), join(folder, 'harmless')], { maxBuffer: 1e8 });
    const script = [join(here, 'reference.py'), join(folder, 'harmless'), join(folder, 'changed'), values.count];
    const { stdout } = await execute(values.python, script, { maxBuffer: 1e9 });
    const tallies = new Map<string, Tally>();
    for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
      const reference = Reference.parse(JSON.parse(line));
      await compare(reference, tallies);
    }
    print(tallies);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(reference: z.infer<typeof Reference>, tallies: Map<string, Tally>): Promise<void> {
  const tally = tallies.get(reference.format) ?? { files: 0, agree: 0, stricter: new Map(), laxer: new Map() };
  tallies.set(reference.format, tally);
  const { status, reasons } = await judgeHeader(createBufferReader(readFileSync(reference.file)));
  // A reference reader knows no suspicion: what is readable but suspicious is read by both.
  const accepted = status === 'clean' || status === 'suspicious';
  tally.files += 1;
  if (accepted === reference.accepted) tally.agree += 1;
  else if (reference.accepted)
    count(tally.stricter, `${status} by ${reasons[0]?.rule ?? '?'}${reference.changed ? '' : ' (unchanged file)'}`);
  else count(tally.laxer, reference.why.replace(/[0-9]+/g, 'N').slice(0, 70));
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function print(tallies: ReadonlyMap<string, Tally>): void {
  for (const [format, { files, agree, stricter, laxer }] of tallies) {
    console.log(`${format}: ${agree} of ${files} files alike`);
    for (const [what, counts] of [
      ['only the reference reads', stricter],
      ['only we read', laxer],
    ] as const) {
      for (const [why, number] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8)) {
        console.log(`  ${what}: ${number} × ${why}`);
      }
    }
  }
}
