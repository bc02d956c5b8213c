import type { Telemetry } from '../lib/shared/ports/telemetry.ts';

export interface Loop {
  /** Lets the next turn begin at once. */
  wake(): void;
  /** Resolves when the turn under way is over; no other begins. */
  stop(): Promise<void>;
}

/** After a failed turn, so that what keeps failing does not spin. */
const FAILED_PAUSE_MS = 1_000;

/** Takes turns of `work`, one at a time: at once after `wake`, else `idleMs` after the last. A failed turn is reported, and the next waits a second at least. */
export function startLoop(telemetry: Telemetry, name: string, idleMs: number, work: () => Promise<void>): Loop {
  let stopped = false;
  let woken = false;
  let endNap = () => {};

  async function nap(pauseMs: number): Promise<void> {
    if (woken || stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      endNap = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    for (;;) {
      if (stopped) return;
      woken = false;
      let pauseMs = idleMs;
      try {
        await work();
      } catch (error) {
        telemetry.error('loop-failed', error, { loop: name });
        woken = false;
        pauseMs = Math.max(idleMs, FAILED_PAUSE_MS);
      }
      await nap(pauseMs);
    }
  }

  const running = run();
  return {
    wake() {
      woken = true;
      endNap();
    },
    async stop() {
      stopped = true;
      endNap();
      await running;
    },
  };
}
