import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceProcess {
  hasEnded(): boolean;
  /** Kills the process and every child that it started, and waits until it is gone. Idempotent. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

// A service is the leader of its own process group, so that its children can be ended with it. The price: a terminal's
// Ctrl-C does not reach it, so whatever ends this process ends the groups first.
process.once('exit', () => {
  for (const child of running) killGroup(child);
});

/** Starts a service with its output in `logFile`. */
export function startProcess(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
}): ServiceProcess {
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      ended = true;
      // What the leader left behind in its group dies with it.
      killGroup(child);
      running.delete(child);
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  return {
    hasEnded: () => ended,
    async stop() {
      killGroup(child);
      await exited;
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('No port was given.'));
        else resolve(address.port);
      });
    });
  });
}

/** Waits until `url` answers below 500; throws when the service ends first or the deadline passes. */
export async function waitForHttp(
  url: string,
  service: ServiceProcess,
  logFile: string,
  seconds: number,
): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; ) {
    if (service.hasEnded()) throw new Error(`The service at ${url} ended at once. Its log: ${logFile}`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.status < 500) return;
    } catch {
      // Not listening yet.
    }
    await sleep(50);
  }
  await service.stop();
  throw new Error(`The service at ${url} did not answer within ${seconds} s. Its log: ${logFile}`);
}
