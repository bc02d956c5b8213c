import { formatBytes, GIB, MIB } from '../shared/units.ts';
import type { DoctorCheck } from './views.ts';

/** What was measured on a host, or why it could not be. Milliseconds and bytes. */
export type Measured<T> =
  | { readonly outcome: 'measured'; readonly value: T }
  | { readonly outcome: 'failed'; readonly message: string };

export interface HostFacts {
  readonly user: { readonly uid: number; readonly nodeVersion: string };
  readonly folder: Measured<{
    readonly mode: number;
    readonly owner: number;
    readonly kind: 'directory' | 'link' | 'other';
  }>;
  readonly fileSystem: Measured<string>;
  readonly space: Measured<{ readonly totalBytes: number; readonly freeBytes: number }>;
  readonly directIo: Measured<boolean>;
  readonly fsync: Measured<{ readonly medianMs: number; readonly p99Ms: number }>;
  /** What it answers to an empty question; how far its clock is ahead of this one, where it tells the time. */
  readonly plane: Measured<PlaneAnswer>;
  readonly registration: Measured<Registration>;
  /** `by-plane` where the plane hands them out; `no-bucket` where a bucket does and none is named. */
  readonly objects: Measured<{ readonly status: number; readonly wallMs: number }> | 'by-plane' | 'no-bucket';
  readonly openFiles: Measured<number>;
  /** Undefined where nothing limits this process. */
  readonly memoryLimitBytes: number | undefined;
  /** The kernel settings that are far from what the store wants. */
  readonly tuning: Measured<readonly string[]>;
  /** What the agent's socket answers; undefined where there is none. */
  readonly agent: Measured<string | undefined>;
}

export interface PlaneAnswer {
  readonly status: number;
  readonly wallMs: number;
  readonly aheadMs: number | undefined;
  /** As planes tell what is wrong with a call; absent where it is no such answer. */
  readonly problem?: { readonly code: string; readonly title: string; readonly hint: string };
}

export interface Registration {
  /** What the store says that it is registered as. */
  readonly host?: string;
  /** What a host may register by that is not yet. */
  readonly by: 'identity' | 'token' | 'malformed-token' | 'nothing';
}

interface Judged {
  readonly ok: boolean;
  readonly detail: string;
  /** Where it is another one than the check's. */
  readonly fix?: string;
}

const LOCAL_FILE_SYSTEMS: ReadonlySet<string> = new Set(['ext4', 'xfs', 'btrfs', 'zfs', 'f2fs']);
const OLDEST_NODE = 24;
const FEWEST_OPEN_FILES = 4096;
const SMALLEST_MEMORY_BYTES = 512 * MIB;
const LEAST_FREE_BYTES = GIB;
/** A ledger round waits for one sync; at 20 ms a fill of one part after another would feel it. */
const SLOW_FSYNC_MS = 20;
/** Signed requests to AWS are refused at 5 minutes; reports are ordered by the host's clock long before. */
const MOST_SKEW_MS = 10_000;

/** One check for each fact, with what to do where it fails. */
export function judgeHost(facts: HostFacts): readonly DoctorCheck[] {
  const { uid, nodeVersion } = facts.user;
  return [
    check('node', nodeVersion, 'Start with the Node that `npm ci` installs: node_modules/.bin/node.', (version) => ({
      ok: Number.parseInt(version.replace(/^v/, ''), 10) >= OLDEST_NODE,
      detail: version,
    })),
    check('user', uid, 'Run agent and doctor as a user of their own, as in `sudo -u strata`.', (id) => ({
      ok: id !== 0,
      detail: id === 0 ? 'root' : `uid ${id}`,
    })),
    checkMeasured('folder', facts.folder, 'install -d -o strata -g strata -m 0755 FOLDER', ({ mode, owner, kind }) => ({
      ok: kind === 'directory' && owner === uid && (mode & 0o022) === 0 && (mode & 0o700) === 0o700,
      detail: `${kind}, mode ${mode.toString(8).padStart(4, '0')}, ${owner === uid ? 'ours' : `of uid ${owner}`}`,
    })),
    checkMeasured('file-system', facts.fileSystem, 'Put the store on a local volume with ext4 or xfs.', (type) => ({
      ok: LOCAL_FILE_SYSTEMS.has(type),
      detail: type,
    })),
    checkMeasured('space', facts.space, 'Free space, or name another volume.', ({ totalBytes, freeBytes }) => ({
      ok: freeBytes >= LEAST_FREE_BYTES,
      detail: `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`,
    })),
    checkMeasured('direct-io', facts.directIo, 'Use ext4 or xfs: fills go round the page cache there.', (works) => ({
      ok: works,
      detail: works ? 'O_DIRECT works' : 'O_DIRECT is refused',
    })),
    checkMeasured(
      'fsync',
      facts.fsync,
      'Use a drive with power-loss protection, or one that is not shared.',
      ({ medianMs, p99Ms }) => ({
        ok: medianMs <= SLOW_FSYNC_MS,
        detail: `4 KiB and fsync: median ${medianMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
      }),
    ),
    checkMeasured('open-files', facts.openFiles, 'Set LimitNOFILE=65536 in the unit (ulimit -n).', (limit) => ({
      ok: limit >= FEWEST_OPEN_FILES,
      detail: `at most ${limit}`,
    })),
    check('memory', facts.memoryLimitBytes, 'Raise MemoryMax of the unit to 512M or more.', (limit) => ({
      ok: limit === undefined || limit >= SMALLEST_MEMORY_BYTES,
      detail: limit === undefined ? 'no limit' : `cgroup limit ${formatBytes(limit)}`,
    })),
    tuningCheck(facts.tuning),
    planeCheck(facts.plane),
    registrationCheck(facts.registration),
    clockCheck(facts.plane),
    objectsCheck(facts.objects),
    checkMeasured('agent', facts.agent, 'systemctl status strata-agent; its log says why.', (health) => ({
      ok: health === undefined || health === 'ready',
      detail: health ?? 'does not run',
    })),
  ];
}

/** Never fails for what is slow: tuning is the operator's choice. */
function tuningCheck(tuning: HostFacts['tuning']): DoctorCheck {
  const fix = '`strata tune --store FOLDER` shows what it would change, and changes nothing.';
  if (tuning.outcome === 'failed') return { check: 'tuning', status: 'FAILED', detail: tuning.message, fix };
  if (tuning.value.length === 0) return { check: 'tuning', status: 'PASSED', detail: 'no setting is far off' };
  return { check: 'tuning', status: 'PASSED', detail: `far off: ${tuning.value.join(', ')}`, fix };
}

/** A plane refuses an empty question in words of its own; what says anything else is none, or stands before it. */
function planeCheck(plane: HostFacts['plane']): DoctorCheck {
  if (plane.outcome === 'failed') {
    return {
      check: 'plane',
      status: 'FAILED',
      detail: plane.message,
      fix: 'Check STRATA_PLANE, DNS, proxy and firewall.',
    };
  }
  const { problem, status, wallMs } = plane.value;
  if (problem?.code === 'bad-request' && status === 400) {
    return { check: 'plane', status: 'PASSED', detail: `a Strata plane answers in ${Math.round(wallMs)} ms` };
  }
  if (problem !== undefined) {
    return { check: 'plane', status: 'FAILED', detail: `answers ${status}: ${problem.title}`, fix: problem.hint };
  }
  const fix = [401, 403, 407].includes(status)
    ? 'Something before the plane asks for credentials that no host has (a proxy, a gateway), or STRATA_PLANE names another server.'
    : 'Set STRATA_PLANE to the HostApiUrl of the deployment, or to the URL that `npm start` prints.';
  return { check: 'plane', status: 'FAILED', detail: `answers ${status}, and not as a Strata plane does`, fix };
}

function objectsCheck(objects: HostFacts['objects']): DoctorCheck {
  const name = 'object-store';
  if (objects === 'by-plane') return { check: name, status: 'PASSED', detail: 'the plane hands out objects' };
  if (objects === 'no-bucket') {
    const detail = 'no bucket is named, and a plane on AWS hands out no objects';
    return { check: name, status: 'FAILED', detail, fix: 'Set STRATA_BUCKET and STRATA_REGION.' };
  }
  const fix = 'Check bucket and region, the VPC endpoint, DNS, proxy and firewall.';
  return checkMeasured(name, objects, fix, ({ status, wallMs }) => {
    const why = NO_BUCKET_HERE.get(status);
    const detail = why === undefined ? `answers ${status} in ${Math.round(wallMs)} ms` : `answers ${status}: ${why}`;
    return { ok: status < 500 && why === undefined, detail };
  });
}

/** Without a signature, 403 is the honest answer. */
const NO_BUCKET_HERE: ReadonlyMap<number, string> = new Map([
  [301, 'the bucket lies in another region'],
  [307, 'the bucket lies in another region'],
  [404, 'there is no such bucket'],
]);

function registrationCheck(registration: HostFacts['registration']): DoctorCheck {
  const create = '`strata token create HOST` makes one: name its file in STRATA_JOIN_TOKEN_FILE.';
  const fix = { 'malformed-token': `A token is strata-join- and 64 hex digits. ${create}`, nothing: create };
  return checkMeasured('registration', registration, 'Let the user of the agent read it.', ({ by, host }) => ({
    ok: host !== undefined || by === 'identity' || by === 'token',
    detail: host === undefined ? UNREGISTERED[by] : `registered as ${host}`,
    ...(host === undefined && (by === 'nothing' || by === 'malformed-token') ? { fix: fix[by] } : {}),
  }));
}

const UNREGISTERED: Record<Registration['by'], string> = {
  identity: 'not yet: by its IAM identity when the agent starts',
  token: 'not yet: by its join token when the agent starts',
  'malformed-token': 'what is given as join token is none',
  nothing: 'not registered, and there is no join token',
};

function clockCheck(plane: HostFacts['plane']): DoctorCheck {
  if (plane.outcome === 'failed' || plane.value.aheadMs === undefined) {
    const unknown = { detail: 'the plane told no time to compare with', fix: 'See the check `plane`.' };
    return { check: 'clock', status: 'FAILED', ...unknown };
  }
  const fix = 'timedatectl set-ntp true';
  const { aheadMs } = plane.value;
  const detail = `${Math.abs(aheadMs / 1000).toFixed(0)} s ${aheadMs > 0 ? 'behind' : 'ahead of'} the plane`;
  return check('clock', aheadMs, fix, () => ({ ok: Math.abs(aheadMs) <= MOST_SKEW_MS, detail }));
}

function checkMeasured<T>(name: string, measured: Measured<T>, fix: string, judge: (value: T) => Judged): DoctorCheck {
  if (measured.outcome === 'failed') return { check: name, status: 'FAILED', detail: measured.message, fix };
  return check(name, measured.value, fix, judge);
}

function check<T>(name: string, value: T, usual: string, judge: (value: T) => Judged): DoctorCheck {
  const { ok, detail, fix = usual } = judge(value);
  return ok ? { check: name, status: 'PASSED', detail } : { check: name, status: 'FAILED', detail, fix };
}
