import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import type { DurationMs } from '../lib/shared/units.ts';
import type { Session } from './session/session.ts';

export interface StopSignal {
  readonly requested: boolean;
  readonly whenRequested: Promise<void>;
}

/** What an agent does, step by step; the loops here, a test or a simulator drive them. */
export interface AgentSteps {
  /** Registers or refreshes where that is due; false when it must be tried again. */
  sessionOnce(): Promise<boolean>;
  /** Answers how many messages came. */
  pollOnce(): Promise<number>;
  heartbeatOnce(): Promise<boolean>;
  flushReceiptsOnce(): Promise<boolean>;
  flushAccessesOnce(): Promise<boolean>;
  /** Every few seconds: leases, abandoned fills, limits, visibility of running commands; each, whether or not others fail. */
  upkeepOnce(): Promise<void>;
  /** Answers whether there was something to check. */
  scrubOnce(): Promise<boolean>;
  /** Moves one blob between volumes; answers whether it did. */
  moveOnce(): Promise<boolean>;
  /** Every five seconds: reads how loaded the host is, and ends minutes of what is counted. */
  sampleOnce(): Promise<void>;
  /** Resolves when no command, fetch or repair is running. */
  settled(): Promise<void>;
  /** Ends running fetches so that they can be continued, and resolves when all work has ended. */
  stop(): Promise<void>;
}

export interface LoopConfig {
  /** Between receives the agent pauses up to this long after many came back empty. */
  readonly mostIdlePauseMs: DurationMs;
  readonly accessesEveryMs: DurationMs;
}

const UPKEEP_EVERY_MS = 5_000;
const SAMPLE_EVERY_MS = 5_000;
const SCRUB_PAUSE_MS = 60_000;
const RETRY_PAUSE_MS = 2_000;
const SESSION_CHECK_MS = 10_000;
const MOST_SESSION_PAUSE_MS = 60_000;
const MOST_RECEIPTS_PAUSE_MS = 30_000;

/** Empty receives in a row → pause before the next: none at first, then doubling from a second. */
export function decideIdlePause(emptyPolls: number, mostMs: number): number {
  return emptyPolls < 3 ? 0 : Math.min(1000 * 2 ** (emptyPolls - 3), mostMs);
}

/** Failures in a row → pause before the next try, which doubles; where nothing failed, as after the first. */
function decideRetryPause(failures: number): number {
  return RETRY_PAUSE_MS * 2 ** Math.max(0, failures - 1);
}

/** Each loop takes one step after another; a step that throws is logged and tried again. */
export async function runLoops(
  steps: AgentSteps,
  deps: { readonly clock: Clock; readonly telemetry: Telemetry; readonly session: Session },
  config: LoopConfig,
  stop: StopSignal,
): Promise<void> {
  const { clock, telemetry, session } = deps;
  let emptyPolls = 0;
  let failedSessions = 0;
  let failedHeartbeats = 0;
  let failedReceipts = 0;

  async function loop(name: string, step: () => Promise<number>): Promise<void> {
    while (!stop.requested) {
      let pauseMs = RETRY_PAUSE_MS;
      try {
        pauseMs = await step();
      } catch (error) {
        telemetry.error('step-failed', error, { step: name });
      }
      await Promise.race([clock.sleep(pauseMs), stop.whenRequested]);
    }
  }

  const heartbeatMs = () => (session.current()?.heartbeatSeconds ?? 10) * 1000;
  await Promise.all([
    loop('session', async () => {
      failedSessions = (await steps.sessionOnce()) ? 0 : failedSessions + 1;
      return failedSessions === 0 ? SESSION_CHECK_MS : Math.min(1000 * 2 ** failedSessions, MOST_SESSION_PAUSE_MS);
    }),
    loop('commands', async () => {
      if (!session.connected()) return 250;
      const began = clock.now();
      const received = await Promise.race([steps.pollOnce(), stop.whenRequested]);
      emptyPolls = received === 0 ? emptyPolls + 1 : 0;
      // An empty answer that came at once was an error or a full hand, not a quiet queue.
      const hasty = received === 0 && clock.now() - began < 500;
      return Math.max(decideIdlePause(emptyPolls, config.mostIdlePauseMs), hasty ? RETRY_PAUSE_MS : 0);
    }),
    loop('heartbeat', async () => {
      if (!session.connected()) return 250;
      failedHeartbeats = (await steps.heartbeatOnce()) ? 0 : failedHeartbeats + 1;
      return failedHeartbeats === 0 ? heartbeatMs() : Math.min(decideRetryPause(failedHeartbeats), heartbeatMs());
    }),
    loop('receipts', async () => {
      failedReceipts = (await steps.flushReceiptsOnce()) || !session.connected() ? 0 : failedReceipts + 1;
      return Math.min(decideRetryPause(failedReceipts), MOST_RECEIPTS_PAUSE_MS);
    }),
    loop('accesses', async () => {
      await steps.flushAccessesOnce();
      return config.accessesEveryMs;
    }),
    loop('upkeep', async () => {
      await steps.upkeepOnce();
      return UPKEEP_EVERY_MS;
    }),
    loop('sample', async () => {
      await steps.sampleOnce();
      return SAMPLE_EVERY_MS;
    }),
    loop('moves', async () => ((await Promise.race([steps.moveOnce(), stop.whenRequested])) ? 0 : UPKEEP_EVERY_MS)),
    loop('scrub', async () => ((await Promise.race([steps.scrubOnce(), stop.whenRequested])) ? 0 : SCRUB_PAUSE_MS)),
  ]);
  await steps.flushAccessesOnce();
  await steps.stop();
}
