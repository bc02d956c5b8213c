import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { constants, getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPrepared, ServiceName } from '../local/services/places.ts';
import { type Project, PROJECTS } from './projects.ts';

/*
 * `npm test`: every project, or those that arguments name; services start within the suites that need them. Projects that wait for processes and
 * services run beside those that compute; what they leave of the cores is the simulation's. A project's output comes when it ends, and what failed
 * once more at the end of all. What is not prepared is skipped and named on the last line; what `STRATA_REQUIRE_SERVICES=ministack,minio` names fails instead. All temporary files of the tests lie in one folder, which goes with the
 * run: tests that are ended in the middle leave theirs behind.
 */

const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');

/** By how much nicer than this process each lane is. The projects of one run one after another, beside the other lanes. */
const LANES = { serves: 0, kills: 0, deploys: 0, computes: 0, simulates: 10 } as const;
type Lane = keyof typeof LANES;

const LANE_OF: Readonly<Record<Project, Lane>> = {
  contract: 'serves',
  cli: 'serves',
  agent: 'kills',
  e2e: 'deploys',
  unit: 'computes',
  handler: 'computes',
  infra: 'computes',
  simulation: 'simulates',
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Run {
  readonly ok: boolean;
  readonly counts: Counts;
  readonly output: string;
  readonly errors: string;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !PROJECTS.some((project) => project === name));
if (unknown.length > 0) {
  process.stderr.write(`No project is ${unknown.join(' or ')}. There are: ${PROJECTS.join(', ')}.\n`);
  process.exit(2);
}
const temporary = mkdtempSync(join(tmpdir(), 'strata-test-'));
// A test starts a program of this tree as somebody else, who has to pass through here.
chmodSync(temporary, 0o711);
const children = new Set<ChildProcess>();
let interrupted: number | undefined;
// Whoever stops this process stops the projects with all their workers, each of which is a process group.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = 128 + constants.signals[signal];
    for (const { pid } of children) if (pid !== undefined) endGroup(pid, signal);
  });
}

function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function runProject(project: Project): Promise<Run> {
  return new Promise((resolve, reject) => {
    const args = [VITEST, 'run', '--project', project];
    const env = { ...process.env, TMPDIR: temporary };
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
    children.add(child);
    child.once('close', () => children.delete(child));
    if (child.pid !== undefined) void yieldBy(LANES[LANE_OF[project]], child.pid);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      process.stderr.write(chunk);
      errors += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ok: code === 0, counts: countsOf(output), output, errors }));
  });
}

/** Of a process that has just started: its children inherit it. */
async function yieldBy(niceness: number, pid: number): Promise<void> {
  if (niceness === 0) return;
  const priority = Math.min(constants.priority.PRIORITY_LOW, getPriority() + niceness);
  try {
    setPriority(pid, priority);
  } catch {
    // It has ended already, or nobody may here: it competes as the others do.
    return;
  }
  // Linux shares the cores among sessions first, each of these processes begins one, and only one may be told in a tenth of a second.
  for (let attempts = 0; attempts < 10; attempts += 1) {
    try {
      return writeFileSync(`/proc/${pid}/autogroup`, String(priority));
    } catch {
      await sleep(200);
    }
  }
}

/** From vitest's last lines: `Tests  1 failed | 412 passed | 3 skipped (416)`. */
function countsOf(output: string): Counts {
  // oxlint-disable-next-line no-control-regex
  const plain = output.replaceAll(/\x1b\[[0-9;]*m/g, '');
  const line = /^\s*Tests\s+(.*)$/m.exec(plain)?.[1] ?? '';
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** What vitest's standard error tells of failures, or the end of all it wrote where it broke before it could tell. */
function failuresOf({ ok, output, errors }: Run): string {
  if (ok) return '';
  const told = /^.* (?:Failed (?:Tests|Suites) \d|Unhandled Error)[^]*/m.exec(errors)?.[0];
  return told ?? `${output}${errors}`.split('\n').slice(-40).join('\n');
}

let total: Counts = { passed: 0, failed: 0, skipped: 0 };
let failedProjects = 0;
const failures: string[] = [];
function add(run: Run): void {
  const { ok, counts } = run;
  if (!ok) {
    failedProjects += 1;
    failures.push(failuresOf(run));
  }
  total = {
    passed: total.passed + counts.passed,
    // A project that broke before its tests ran has no failed test, but it failed.
    failed: total.failed + Math.max(counts.failed, ok ? 0 : 1),
    skipped: total.skipped + counts.skipped,
  };
}

async function runLane(lane: Lane): Promise<void> {
  for (const project of PROJECTS) {
    const wanted = asked.length === 0 || asked.includes(project);
    if (!wanted || LANE_OF[project] !== lane || interrupted !== undefined) continue;
    const run = await runProject(project);
    process.stdout.write(run.output);
    add(run);
  }
}
await Promise.all([runLane('serves'), runLane('kills'), runLane('deploys'), runLane('computes'), runLane('simulates')]);
// What was told to end a moment ago may still write.
await rm(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch((error: Error) =>
  process.stderr.write(`${temporary} stays behind: ${error.message}\n`),
);

for (const text of failures) process.stdout.write(`\n${text}\n`);
const unprepared = ServiceName.options.filter((service) => service !== 'published-model' && !isPrepared(service));
if (total.skipped > 0)
  process.stdout.write(`\n${total.skipped} skipped: what this machine, or a service on it, cannot do\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
if (unprepared.length > 0 && total.skipped > 0) {
  const tests = `${total.skipped} tests`;
  process.stdout.write(
    `SKIPPED: ${tests}, since ${unprepared.join(' and ')} is not prepared: run \`npm run services\`\n`,
  );
}
process.exitCode = interrupted ?? (failedProjects === 0 ? 0 : 1);
