import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { BlobRow, TierPolicyRow, VersionRow } from '../../lib/catalog/index.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs, SECOND_MS } from '../../lib/shared/units.ts';
import type { Milestone } from './follow.ts';
import type { AgentProcess } from './agents.ts';
import type { Timeline } from './timeline.ts';

/** What is not as it should be; nothing in the list means that all of it is right. */
export type Findings = readonly string[];

/** A running Strata with agents, wherever it runs. */
export interface Scene {
  readonly catalog: CatalogStore;
  readonly agents: readonly AgentProcess[];
  readonly timeline: Timeline;
  /** Starts the sweep as its schedule would at that moment. */
  readonly sweepAt: (moment: EpochMs) => Promise<void>;
}

/** An upload with the end that it should come to and what became of it. */
export interface FollowedUpload {
  readonly key: string;
  readonly expected: 'cached' | 'quarantined';
  readonly outcome: Promise<readonly Milestone[]>;
}

const WAIT_SECONDS = 30;

const Ensured = z.object({ path: z.string(), digest: Digest, kind: z.string(), lease: z.string() });

/** Every check of `--once`, on uploads that were begun and on models that were cached by an earlier start. */
export async function verify(
  scene: Scene,
  uploads: readonly FollowedUpload[],
  earlier: readonly string[] = [],
): Promise<Findings> {
  const findings: string[] = [];
  const now: string[] = [];
  for (const { key, expected, outcome } of uploads) {
    const milestones = await outcome;
    findings.push(...checkOutcome(key, expected, milestones));
    if (milestones.at(-1)?.stage === 'cached') now.push(key.split('/')[1] ?? '');
  }
  const cached = [...new Set([...earlier, ...now])];
  // What came to another end is a finding already.
  if (cached.length === 0) return findings;
  findings.push(...(await askForPath(scene, `${cached[0]}@1.0.0`)));
  findings.push(...(await sweepIdle(scene, cached[0] ?? '')));
  findings.push(...(await recomputeDigests(scene, cached)));
  return findings;
}

/** Says what is wrong, or that nothing is; answers the exit code. */
export function report(timeline: Timeline, findings: Findings): 0 | 1 {
  for (const finding of findings) timeline.say(`WRONG  ${finding}`);
  if (findings.length === 0) timeline.say('All of it is right.');
  return findings.length === 0 ? 0 : 1;
}

/** `uploads/<name>/<semver>/<file>` as people name it; any other key as it is. */
export function subjectOf(key: string): string {
  const [, name, version, file] = key.split('/');
  return file === undefined ? key : `${name}@${version}`;
}

/** Whether an upload came to its expected end. */
function checkOutcome(key: string, expected: 'cached' | 'quarantined', all: readonly Milestone[]): Findings {
  const end = all.at(-1)?.stage ?? 'nothing';
  return end === expected ? [] : [`${key}: expected ${expected}, came to ${end}`];
}

/** Asks an agent for a model as an inference process does, and answers the path that it gave. */
async function askForPath({ agents, timeline }: Scene, reference: string): Promise<Findings> {
  const [agent] = agents;
  if (agent === undefined) return ['no agent to ask'];
  const { status, body } = await agent.get(`/v1/models/${encodeURIComponent(reference)}?wait=${WAIT_SECONDS}`);
  const ensured = Ensured.safeParse(body);
  if (status !== 200 || !ensured.success)
    return [`${agent.host} gave no path for ${reference}: ${status} ${JSON.stringify(body)}`];
  const { path, lease } = ensured.data;
  timeline.tell(reference, 'requested', `${agent.host} leases ${path} (lease ${lease.slice(0, 8)})`);
  return [];
}

/** The preset keeps what is younger than seven days where it is; nobody waits for that here. */
const IDLE_MS = 8 * DAY_MS;
const TRANSITION_WITHIN_MS = 30 * SECOND_MS;

/**
 * Fires the sweep as its schedule will in eight days, and waits until the model's blob has moved. The sweep decides by the
 * moment that its schedule names, so no clock has to be changed for it.
 */
async function sweepIdle({ catalog, sweepAt, timeline }: Scene, model: string): Promise<Findings> {
  const clock = systemClock;
  const row = await VersionRow.get(catalog, ModelName.parse(model), SemVer.parse('1.0.0'));
  const [file] = row?.value.files ?? [];
  if (file === undefined) return [`${model} has no file that could move`];
  const storageClass = async () => (await BlobRow.get(catalog, file.digest))?.value.origin.storageClass;
  const moved = (text: string) => timeline.tell(`${model}@1.0.0`, 'transitioned', text);
  const from = await storageClass();
  if (from !== 'STANDARD') {
    moved(`to ${from} at an earlier start`);
    return [];
  }
  if (!(await sweepUntilInForce(catalog, sweepAt))) return ['no look at the first policy has ended'];
  for (const deadline = clock.now() + TRANSITION_WITHIN_MS; clock.now() < deadline; await clock.sleep(100)) {
    const to = await storageClass();
    if (to === undefined || to === from) continue;
    moved(`${from} → ${to}, idle for eight days at the sweep's moment`);
    return [];
  }
  return [`${model} is still in ${from} after the sweep`];
}

/** The first sweep of a plane has every object looked at; one that begins when that has ended moves them. */
async function sweepUntilInForce(catalog: CatalogStore, sweepAt: Scene['sweepAt']): Promise<boolean> {
  const clock = systemClock;
  const deadline = clock.now() + TRANSITION_WITHIN_MS;
  for (let at = clock.now() + IDLE_MS; clock.now() < deadline; at += SECOND_MS) {
    await sweepAt(EpochMs.parse(at));
    if ((await TierPolicyRow.get(catalog))?.value.inForce !== undefined) return true;
    await clock.sleep(200);
  }
  return false;
}

const Recomputed = z.object({ path: z.string(), digest: z.string(), bytes: z.number(), same: z.boolean() });

/** Lets another process read every cached file of these models from the hosts' disks and recompute its digest. */
async function recomputeDigests(scene: Scene, models: readonly string[]): Promise<Findings> {
  const claims: { readonly path: string; readonly digest: Digest }[] = [];
  for (const model of models) {
    const row = await VersionRow.get(scene.catalog, ModelName.parse(model), SemVer.parse('1.0.0'));
    for (const { digest } of row?.value.files ?? []) {
      for (const { data } of scene.agents)
        claims.push({ path: join(data, 'blobs', digest.slice(0, 2), digest), digest });
    }
  }
  const script = fileURLToPath(new URL('./recompute.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(claims));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = await once(child, 'close');
  const lines = output.split('\n').filter((line) => line !== '');
  const recomputed = lines.map((line) => Recomputed.parse(JSON.parse(line)));
  for (const { path, digest } of recomputed.filter(({ same }) => same)) {
    scene.timeline.tell('read back', 'verified', `${digest.slice(0, 16)}… ${path}`);
  }
  const wrong = claims.filter(({ path }) => !recomputed.some((one) => one.path === path && one.same));
  const findings = wrong.map(({ path, digest }) => `${path} has not the digest ${digest}`);
  return code === 0 || findings.length > 0 ? findings : [`reading back ended with ${String(code)}`];
}
