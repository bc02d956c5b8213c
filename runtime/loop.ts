import type { Telemetry } from '../lib/shared/ports/telemetry.ts';

export interface Loop {
  /** Lets the next turn begin at once. */
  wake(): void;
  /** Resolves when the turn under way is over; no other begins. */
  stop(): Promise<void>;
}

/** Takes turns of `work`, one at a time: at once after `wake`, else `idleMs` after the last. A failed turn is reported. */
export function startLoop(telemetry: Telemetry, name: string, idleMs: number, work: () => Promise<void>): Loop {
  let stopped = false;
  let woken = false;
  let endNap = () => {};

  async function nap(): Promise<void> {
    if (woken || stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, idleMs);
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
      try {
        await work();
      } catch (error) {
        telemetry.error('loop-failed', error, { loop: name });
        woken = false;
      }
      await nap();
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
