import { Hono } from 'hono';
import { type DoctorCheck, planeHealth } from '../lib/operations/index.ts';
import { answerMetrics, type Family, gauge } from '../lib/shared/metricsText.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import { type EpochMs, SECOND_MS } from '../lib/shared/units.ts';

export interface WatchEndpointDeps {
  /** What was counted up to now. */
  readonly counted: () => readonly Family[];
  /** How it stands, which takes looks at every message. */
  readonly standing: () => Promise<readonly Family[]>;
  readonly doctor: () => Promise<readonly DoctorCheck[]>;
  readonly clock: Clock;
}

interface Look {
  readonly at: EpochMs;
  readonly checks: Promise<readonly DoctorCheck[]>;
  readonly standing: Promise<readonly Family[]>;
}

/** However often it is asked for, the plane looks at itself no more often. */
const LOOK_AGAIN_MS = 15 * SECOND_MS;

/**
 * `GET /metrics` for Prometheus and `GET /health` for whoever restarts or pages: 503 where the plane can do nothing. Without a token, so neither
 * tells a name of a model or host; `strata doctor` tells them, and what to do.
 */
export function createWatchEndpoint(deps: WatchEndpointDeps): Hono {
  const app = new Hono();
  let looked: Look | undefined;

  function look(): Look {
    const at = deps.clock.now();
    if (looked === undefined || Math.abs(at - looked.at) >= LOOK_AGAIN_MS) {
      const checks = deps.doctor();
      looked = { at, checks, standing: checks.then(deps.standing) };
      // A look that fails is told to who asked, and is none.
      looked.standing.catch(() => (looked = undefined));
    }
    return looked;
  }

  app.get('/metrics', async (context) => {
    const { checks, standing } = look();
    const families = [checkFamily(await checks), ...(await standing), ...deps.counted()];
    const { text, contentType } = answerMetrics(families, context.req.header('accept'));
    return context.body(text, 200, { 'content-type': contentType });
  });
  app.get('/health', async (context) => {
    const { at, checks } = look();
    const { status, failed } = planeHealth(await checks);
    const hint = failed.length === 0 ? {} : { hint: 'Run `strata doctor` for what to do.' };
    const body = { schema: 'plane-health/1', status, failed, asOf: new Date(at).toISOString(), ...hint };
    return context.json(body, status === 'failing' ? 503 : 200);
  });
  return app;
}

function checkFamily(checks: readonly DoctorCheck[]): Family {
  return gauge(
    'strata_plane_check_failed',
    'The checks of `strata doctor`.',
    checks.map(({ check, status }) => ({ labels: { check }, value: status === 'FAILED' ? 1 : 0 })),
  );
}
