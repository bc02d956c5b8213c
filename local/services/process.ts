import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceProcess {
  hasEnded(): boolean;
  /** Kills the service and every child that it started, removes its folder, and waits until both are gone. Idempotent. */
  stop(): Promise<void>;
}

const KEEPER = join(import.meta.dirname, 'keeper.ts');

/** Starts a service in a folder of its own, under a keeper that ends it with this process. */
export function startProcess(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly logFile: string;
}): ServiceProcess {
  const log = openSync(options.logFile, 'a');
  const keeper = spawn(process.execPath, [KEEPER, options.folder, options.command, ...options.args], {
    env: options.env,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  let ended = false;
  const gone = once(keeper, 'close').then(
    () => {
      ended = true;
      return undefined;
    },
    () => undefined,
  );
  return {
    hasEnded: () => ended,
    async stop() {
      keeper.stdin?.end();
      await gone;
    },
  };
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

/** Waits until `url` answers below 500; throws, with the end of the log, when the service ends first or the deadline passes. */
export async function waitForHttp(
  url: string,
  service: ServiceProcess,
  logFile: string,
  seconds: number,
): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline && !service.hasEnded(); ) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.status < 500) return;
    } catch {
      // Not listening yet.
    }
    await sleep(50);
  }
  const log = readFileSync(logFile, 'utf8').slice(-2_000);
  const why = service.hasEnded() ? 'ended at once' : `did not answer within ${seconds} s`;
  await service.stop();
  throw new Error(`The service at ${url} ${why}. The end of its log:\n${log}`);
}
