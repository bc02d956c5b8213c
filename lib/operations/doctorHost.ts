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
  /** How far the plane's clock is ahead of this one, where it was reached. */
  readonly plane: Measured<{ readonly status: number; readonly wallMs: number; readonly aheadMs: number | undefined }>;
  readonly objects: Measured<{ readonly status: number; readonly wallMs: number }>;
  readonly openFiles: Measured<number>;
  /** Undefined where nothing limits this process. */
  readonly memoryLimitBytes: number | undefined;
  /** The kernel settings that are far from what the store wants. */
  readonly tuning: Measured<readonly string[]>;
  /** What the agent's socket answers; undefined where there is none. */
  readonly agent: Measured<string | undefined>;
}

interface Finding {
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string;
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
    checkMeasured('plane', facts.plane, 'Check STRATA_PLANE, DNS, proxy and firewall.', ({ status, wallMs }) => ({
      ok: status < 500,
      detail: `answers ${status} in ${Math.round(wallMs)} ms`,
    })),
    clockCheck(facts.plane),
    checkMeasured(
      'object-store',
      facts.objects,
      'Check bucket and region, the VPC endpoint, DNS, proxy and firewall.',
      // Without a signature, 403 is the honest answer.
      ({ status, wallMs }) => ({ ok: status < 500, detail: `answers ${status} in ${Math.round(wallMs)} ms` }),
    ),
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

function checkMeasured<T>(
  name: string,
  measured: Measured<T>,
  fix: string,
  judge: (value: T) => Omit<Finding, 'fix'>,
): DoctorCheck {
  if (measured.outcome === 'failed') return { check: name, status: 'FAILED', detail: measured.message, fix };
  return check(name, measured.value, fix, judge);
}

function check<T>(name: string, value: T, fix: string, judge: (value: T) => Omit<Finding, 'fix'>): DoctorCheck {
  const { ok, detail } = judge(value);
  return ok ? { check: name, status: 'PASSED', detail } : { check: name, status: 'FAILED', detail, fix };
}
