import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { createBufferReader, judgeHeader } from '../../lib/scanning/index.ts';

const corpusUrl = new URL('../../test/corpus/scanning/', import.meta.url);
const FOLDERS = ['harmless', 'dangerous', 'fuzz'];
const MAX_INPUT = 16 * 1024;
const SLOW_MS = 2_000;

/** What V8 answers: ranges of functions with how often each ran since the last question. */
const Coverage = z.object({
  result: z.array(
    z.object({
      url: z.string(),
      functions: z.array(
        z.object({ ranges: z.array(z.object({ startOffset: z.number(), endOffset: z.number(), count: z.number() })) }),
      ),
    }),
  ),
});

/**
 * `npm run bench -- scan-fuzz [--seconds N] [--seed N] [--keep]`: changes files of the corpus at random, keeps an input for
 * further changes when it reaches code that no input before it reached (V8's block coverage of lib/scanning), and stops at
 * the first that makes a reader throw, read out of range, or take longer than two seconds. `--keep` writes the inputs
 * that reached new code to test/corpus/scanning/fuzz, where the unit tests run them from then on.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
    },
  });
  const files = FOLDERS.flatMap((folder) => {
    const url = new URL(`${folder}/`, corpusUrl);
    return readdirSync(url).map((name) => readFileSync(new URL(name, url)));
  });
  const inputs: Uint8Array[] = files.filter((input) => input.length > 0 && input.length <= MAX_INPUT);
  const random = createRandom(Number(values.seed));
  const coverage = await startCoverage();
  const seen = new Set<string>();
  for (const input of inputs) {
    await judge(input);
    for (const block of await coverage()) seen.add(block);
  }
  console.log(`${inputs.length} inputs reach ${seen.size} blocks`);
  const end = performance.now() + Number(values.seconds) * 1_000;
  let runs = 0;
  let kept = 0;
  while (performance.now() < end) {
    // Coverage costs far more than a run: a batch shares one question, and is asked again one by one if it found something.
    const batch = Array.from({ length: 20 }, () => mutate(inputs, random));
    for (const input of batch) await judge(input);
    runs += batch.length;
    const fresh = (await coverage()).some((block) => !seen.has(block));
    for (const input of fresh ? batch : []) {
      await judge(input);
      const blocks = (await coverage()).filter((block) => !seen.has(block));
      if (blocks.length === 0) continue;
      for (const block of blocks) seen.add(block);
      inputs.push(input);
      kept += 1;
      if (values.keep) writeFileSync(new URL(`fuzz/${nameOf(input)}`, corpusUrl), input);
    }
  }
  console.log(
    `${runs} runs, ${kept} inputs reached new code, ${seen.size} blocks; no crash, no hang, no read out of range`,
  );
}

const nameOf = (input: Uint8Array) => createHash('sha256').update(input).digest('hex').slice(0, 16);

async function judge(input: Uint8Array): Promise<void> {
  // The process's own time: others may take the machine away for seconds.
  const before = process.cpuUsage();
  const { reasons } = await judgeHeader(createBufferReader(input));
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000;
  const slow = ms > SLOW_MS;
  const failed = reasons.find(({ rule }) => rule === 'file.scanner-error');
  if (!slow && failed === undefined) return;
  writeFileSync(new URL(`fuzz/${nameOf(input)}`, corpusUrl), input);
  throw new Error(`input ${nameOf(input)}: ${failed?.text ?? `${Math.round(ms)} ms`}`);
}

async function startCoverage(): Promise<() => Promise<string[]>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return async () => {
    const { result } = Coverage.parse(await session.post('Profiler.takePreciseCoverage'));
    return result
      .filter(({ url }) => url.includes('/lib/scanning/'))
      .flatMap(({ url, functions }) =>
        functions.flatMap(({ ranges }) =>
          ranges
            .filter(({ count }) => count > 0)
            .map(({ startOffset, endOffset }) => `${url.slice(-30)}:${startOffset}-${endOffset}`),
        ),
      );
  };
}

/** A number below `limit`, the same for the same seed (xorshift32). */
type Random = (limit: number) => number;

function createRandom(seed: number): Random {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % Math.max(1, limit);
  };
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x63, 0x52, 0x93, 0x94, 0x81, 0x62];

/** One to six changes: bits, bytes, lengths, cuts, copies within the input, a piece of another input. */
function mutate(inputs: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = () => Buffer.from(inputs[random(inputs.length)] ?? []);
  let input: Buffer = pick();
  for (let change = 0; change <= random(6) && input.length > 0; change += 1) {
    const at = random(input.length);
    const length = 1 + random(Math.min(64, input.length - at));
    const kind = random(8);
    if (kind === 0) input[at] = (input[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) input[at] = INTERESTING[random(INTERESTING.length)] ?? 0;
    else if (kind === 2 && at + 8 <= input.length) input.writeBigUInt64LE(1n << BigInt(random(64)), at);
    else if (kind === 3 && at + 4 <= input.length) input.writeUInt32LE(random(0xffffffff), at);
    else if (kind === 4) input = Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
    else if (kind === 5)
      input = Buffer.concat([input.subarray(0, at), input.subarray(at, at + length), input.subarray(at)]);
    else if (kind === 6) {
      const other = pick();
      const from = random(other.length);
      input = Buffer.concat([input.subarray(0, at), other.subarray(from, from + length * 4), input.subarray(at)]);
    } else input = input.subarray(0, at + 1);
  }
  return input.subarray(0, MAX_INPUT);
}
