import type { Bottleneck } from './findBottlenecks.ts';
import { type BottleneckKind, VOLUME_FAILED } from './recommendations.ts';

/** `failing`: processes cannot get what they ask for. `degraded`: they get it later than they could. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

export interface HealthReason {
  readonly code: BottleneckKind | 'plane-out-of-reach' | 'draining' | 'volume-failed';
  readonly subject?: string;
  readonly severity: Exclude<HealthStatus, 'ok'>;
  readonly message: string;
  readonly fix: string;
}

export interface HostCondition {
  readonly connected: boolean;
  readonly draining: boolean;
  readonly failedVolumes: readonly string[];
  readonly bottlenecks: readonly Bottleneck[];
}

/** The worst of the reasons is the status. */
export function judgeHealth({ connected, draining, failedVolumes, bottlenecks }: HostCondition): {
  readonly status: HealthStatus;
  readonly reasons: readonly HealthReason[];
} {
  const reasons: HealthReason[] = [
    ...(draining
      ? [
          {
            code: 'draining',
            severity: 'failing',
            message: 'It takes no new models.',
            fix: 'Send its processes to another host.',
          } as const,
        ]
      : []),
    ...failedVolumes.map(
      (subject) =>
        ({
          code: 'volume-failed',
          subject,
          severity: 'degraded',
          message: 'What lay on it is not served.',
          fix: VOLUME_FAILED,
        }) as const,
    ),
    ...(connected
      ? []
      : [
          {
            code: 'plane-out-of-reach',
            severity: 'degraded',
            message: 'Only what is on the disk and was resolved before is served.',
            fix: 'Check the route to the plane and the agent’s log.',
          } as const,
        ]),
    ...bottlenecks.map(({ kind, subject, severity, measured, recommendation }) => ({
      code: kind,
      ...(subject === undefined ? {} : { subject }),
      severity,
      message: measured,
      fix: recommendation,
    })),
  ];
  const failing = reasons.some(({ severity }) => severity === 'failing');
  return { status: failing ? 'failing' : reasons.length > 0 ? 'degraded' : 'ok', reasons };
}
