import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';

/** Steps that are taken one after the other whether or not those before them failed. */
export interface Steps {
  /** Takes one; where it fails, that is logged, counted and remembered, and the answer is undefined. */
  readonly attempt: <T>(step: string, run: () => Promise<T>) => Promise<T | undefined>;
  /** Throws `AggregateError` where any of them failed. */
  readonly end: () => void;
}

export function createSteps(telemetry: Telemetry): Steps {
  const failures: unknown[] = [];
  return {
    async attempt(step, run) {
      try {
        return await run();
      } catch (error) {
        failures.push(error);
        telemetry.metric('UpkeepStepsFailed', 'Count', 1, { step });
        telemetry.error('upkeep-step-failed', error, { step });
        return undefined;
      }
    },
    end() {
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} steps of the upkeep failed.`);
    },
  };
}
