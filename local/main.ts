import { parseArgs } from 'node:util';
import { createDynamoCatalogStore } from '../lib/adapters/aws/dynamoCatalogStore.ts';
import { UploadRow } from '../lib/catalog/index.ts';
import { follow, type Milestone } from '../runtime/start/follow.ts';
import { createTimeline, describeMilestone, describeUploaded, type Timeline } from '../runtime/start/timeline.ts';
import { report, type Scene, subjectOf, verify } from '../runtime/start/verify.ts';
import { LOCAL_HOSTS, type LocalHosts, startHosts } from './agents.ts';
import { connectionLines } from './connection.ts';
import { type LocalAws, startLocalAws } from './localAws.ts';
import { fireSchedules, invokeSchedule } from './schedules.ts';
import { isPrepared } from './services/places.ts';
import { type LocalUpload, plannedUploads, upload } from './uploads.ts';

/*
 * `npm run local-aws`: what `npm start` shows, on the stacks that `cdk deploy` deploys, with real agents. Life: emulator →
 * deploy → agents → uploads → (verify) → agents stopped → emulator stopped, its folder removed; so too on Ctrl-C and failure.
 */

const USAGE = `npm run local-aws -- [options]: the deployed stacks on this machine, with two hosts' agents.

  --model FILE   upload this file too (safetensors or GGUF); may be repeated
  --once         upload, check every result, stop; exit 0 when all of it is right, else 1
`;
const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const EXIT_CANCELLED = 130;
/** Sessions, silence and commands at a pace that a person can watch. */
const CONTEXT = { heartbeatSeconds: '5', silentAfterSeconds: '60' };

interface Running {
  readonly aws: LocalAws;
  readonly hosts: LocalHosts;
  readonly scene: Scene;
}

async function main(options: { readonly once: boolean; readonly models: readonly string[] }): Promise<number> {
  const cancelled = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => cancelled.abort());
  const timeline = createTimeline(console.log, () => performance.now());
  const parts: { aws?: LocalAws; hosts?: LocalHosts } = {};
  const working = work(parts, timeline, options, cancelled.signal);
  try {
    return await Promise.race([working, whenAborted(cancelled.signal)]);
  } finally {
    // A deployment that is cancelled cleans up after itself.
    if (parts.aws === undefined) await working.catch(() => undefined);
    await parts.hosts?.stop();
    await parts.aws?.stop();
  }
}

async function work(
  parts: { aws?: LocalAws; hosts?: LocalHosts },
  timeline: Timeline,
  options: { readonly once: boolean; readonly models: readonly string[] },
  signal: AbortSignal,
): Promise<number> {
  parts.aws = await startLocalAws({ tell: (line) => timeline.say(line), context: CONTEXT, signal });
  const lost = tellProperties(parts.aws, timeline);
  const { clients, outputs } = parts.aws;
  const catalog = createDynamoCatalogStore({ client: clients.dynamo, table: outputs.TableName });
  parts.hosts = await startHosts(parts.aws, catalog, (host, stage, text) => timeline.tell(host, stage, text));
  const { aws, hosts } = parts;
  const scene: Scene = {
    catalog,
    agents: hosts.agents,
    timeline,
    sweepAt: (moment) => invokeSchedule(aws, { functionName: 'start-sweep', schedule: 'sweep' }, moment),
  };
  const following = await uploadAll({ aws, hosts, scene }, plannedUploads(options.models), signal);
  if (options.once) return report(timeline, [...lost, ...(await verify(scene, following))]);
  const endSchedules = fireSchedules(aws, (line) => timeline.say(line));
  signal.addEventListener('abort', endSchedules, { once: true });
  for (const line of connectionLines(aws)) timeline.say(line);
  return whenAborted(signal);
}

async function uploadAll(
  { aws, scene }: Running,
  uploads: readonly LocalUpload[],
  signal: AbortSignal,
): Promise<readonly { key: string; expected: LocalUpload['expected']; outcome: Promise<readonly Milestone[]> }[]> {
  const following = [];
  for (const one of uploads) {
    signal.throwIfAborted();
    const versionId = await upload(aws, one);
    scene.timeline.tell(subjectOf(one.key), 'uploaded', describeUploaded(one.bytes));
    following.push({ key: one.key, expected: one.expected, outcome: tellOutcome(scene, one.key, versionId, signal) });
  }
  return following;
}

async function tellOutcome(
  { catalog, timeline }: Scene,
  key: string,
  versionId: string,
  signal: AbortSignal,
): Promise<readonly Milestone[]> {
  const all: Milestone[] = [];
  for await (const milestone of follow(catalog, { key, versionId }, LOCAL_HOSTS, signal)) {
    const target = (await UploadRow.get(catalog, key, versionId))?.value.target;
    const subject = target === undefined ? key : `${target.model}@${target.version}`;
    timeline.tell(subject, milestone.stage, describeMilestone(milestone));
    all.push(milestone);
  }
  return all;
}

/** Says what the deployment kept; answers what it lost. */
function tellProperties({ findings }: LocalAws, timeline: Timeline): readonly string[] {
  const of = (state: string) =>
    findings.filter((one) => one.state === state).map(({ resource, property }) => `${resource} ${property}`);
  const applied = of('applied');
  timeline.say(`${findings.length} properties read back: ${of('kept').length} kept, ${applied.length} applied`);
  if (applied.length > 0) timeline.say(`  dropped by the emulator, applied by API: ${applied.join(', ')}`);
  return of('lost').map((one) => `${one}: the emulator does not keep it`);
}

async function whenAborted(signal: AbortSignal): Promise<number> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return EXIT_CANCELLED;
}

async function run(): Promise<number> {
  let values: { once?: boolean; model?: string[]; help?: boolean };
  try {
    const options = {
      model: { type: 'string', multiple: true },
      once: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    ({ values } = parseArgs({ options }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (!isPrepared('ministack')) {
    console.error('The AWS emulator is not prepared. Run `npm run services` once; it needs Python 3 and the network.');
    return EXIT_WRONG;
  }
  return main({ once: values.once === true, models: values.model ?? [] });
}

try {
  process.exit(await run());
} catch (error) {
  console.error(error instanceof Error ? error.stack : String(error));
  process.exit(EXIT_WRONG);
}
