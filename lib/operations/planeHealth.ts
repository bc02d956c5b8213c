import type { HealthStatus } from '../hostMetrics/index.ts';
import type { DoctorCheck } from './views.ts';

/** Without these nothing is uploaded, decided or served. Of little room the doctor tells before there is none. */
const VITAL: ReadonlySet<string> = new Set(['catalog', 'bucket']);

/** `failing`: nothing goes on until somebody acts. `degraded`: something does not. Names the failed checks of `strata doctor`. */
export function planeHealth(checks: readonly DoctorCheck[]): {
  readonly status: HealthStatus;
  readonly failed: readonly string[];
} {
  const failed = checks.filter(({ status }) => status === 'FAILED').map(({ check }) => check);
  const isFailing = failed.some((check) => VITAL.has(check));
  return { status: isFailing ? 'failing' : failed.length > 0 ? 'degraded' : 'ok', failed };
}
