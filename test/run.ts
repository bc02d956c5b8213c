import { type ChildProcess, spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { isPrepared, ServiceName } from '../local/services/places.ts';
import { PROJECTS } from './projects.ts';

/*
 * `npm test`: every project, one after another; services start within the suites that need them. The end-to-end tests, which mostly
 * wait, run beside them, and so does, at low priority, the simulation, which only computes. What is not prepared is skipped and named on the last line; what
 * `STRATA_REQUIRE_SERVICES=ministack,minio` names fails instead.
 */

const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');

const { PRIORITY_LOW, PRIORITY_NORMAL } = constants.priority;

/** With their priorities. */
const IN_THE_BACKGROUND: readonly (readonly [string, number])[] = [
  ['e2e', PRIORITY_NORMAL],
  ['simulation', PRIORITY_LOW],
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Run {
  readonly ok: boolean;
  readonly counts: Counts;
  readonly output: string;
}

const children = new Set<ChildProcess>();
let interrupted: number | undefined;
// Whoever stops this process stops the projects with all their workers, each of which is a process group.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = 128 + constants.signals[signal];
    for (const { pid } of children) if (pid !== undefined) process.kill(-pid, signal);
  });
}

function runProject(project: string, write: (chunk: Buffer) => void, priority: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const args = [VITEST, 'run', '--project', project, '--passWithNoTests'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    children.add(child);
    child.once('close', () => children.delete(child));
    // Its children inherit it.
    if (child.pid !== undefined) setPriority(child.pid, priority);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      write(chunk);
      output += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ok: code === 0, counts: countsOf(output), output }));
  });
}

/** From vitest's last lines: `Tests  1 failed | 412 passed | 3 skipped (416)`. */
function countsOf(output: string): Counts {
  // oxlint-disable-next-line no-control-regex
  const plain = output.replaceAll(/\x1b\[[0-9;]*m/g, '');
  const line = /^\s*Tests\s+(.*)$/m.exec(plain)?.[1] ?? '';
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

let total: Counts = { passed: 0, failed: 0, skipped: 0 };
let failedProjects = 0;
function add({ ok, counts }: Run): void {
  if (!ok) failedProjects += 1;
  total = {
    passed: total.passed + counts.passed,
    // A project that broke before its tests ran has no failed test, but it failed.
    failed: total.failed + Math.max(counts.failed, ok ? 0 : 1),
    skipped: total.skipped + counts.skipped,
  };
}

const background = IN_THE_BACKGROUND.map(([project, priority]) => runProject(project, () => {}, priority));
for (const project of PROJECTS) {
  if (IN_THE_BACKGROUND.some(([name]) => name === project)) continue;
  if (interrupted !== undefined) break;
  add(await runProject(project, (chunk) => process.stdout.write(chunk), PRIORITY_NORMAL));
}
for (const running of background) {
  const run = await running;
  process.stdout.write(run.output);
  add(run);
}

const unprepared = ServiceName.options.filter((service) => service !== 'published-model' && !isPrepared(service));
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
if (unprepared.length > 0) {
  const tests = `${total.skipped} tests`;
  process.stdout.write(
    `SKIPPED: ${tests}, since ${unprepared.join(' and ')} is not prepared: run \`npm run services\`\n`,
  );
}
process.exitCode = interrupted ?? (failedProjects === 0 ? 0 : 1);
