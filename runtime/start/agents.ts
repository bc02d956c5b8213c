import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { makeFolder } from '../../lib/adapters/files/makeFolder.ts';
import type { HostId } from '../../lib/shared/ids.ts';
import { type Bytes, GB, KIB, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';

/*
 * One agent as a child process. It lives no longer than this process: it ends when its standard input closes, which the
 * system does for us however we end. `stop` asks by SIGTERM and insists by SIGKILL.
 */
export interface AgentProcess {
  readonly host: HostId;
  /** Its store: absolute. */
  readonly data: string;
  /** Asks its local API, as an inference process does, over the unix socket. */
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>;
  stop(): Promise<void>;
  /** At once, without waiting: for the last moment of this process. */
  kill(): void;
  readonly ended: Promise<unknown>;
}

export interface AgentOptions {
  readonly host: HostId;
  readonly folder: string;
  readonly plane: string;
  readonly joinToken: string;
  readonly logFile: string;
  readonly capacityBytes?: Bytes;
  /** Where the plane is not the embedded runtime: how the agent reaches it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onEnded: (reason: string) => void;
}

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const DEFAULT_CAPACITY = 4 * GB;
const STOP_MS = 5 * SECOND_MS;
/** The first start over a full store makes thousands of links on a slow drive. */
const READY_MS = 2 * MINUTE_MS;

const Ready = z.object({ schema: z.literal('agent-ready/1'), data: z.string(), socket: z.string() });

/** An agent did not come up or did not register. */
export class AgentLostError extends Error {
  override readonly name = 'AgentLostError';
}

/** A process that is on its way to serving; it can be ended at any moment. */
export interface LaunchedAgent {
  readonly ready: Promise<AgentProcess>;
  stop(): Promise<void>;
  kill(): void;
}

/** Resolves when the agent serves its local API. */
export const startAgent = (options: AgentOptions): Promise<AgentProcess> => launchAgent(options).ready;

export function launchAgent(options: AgentOptions): LaunchedAgent {
  makeFolder(options.folder);
  const said = logFrom(options);
  const child = spawnLogged(options);
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    const end = (how: string) => {
      resolve();
      if (!stopping) options.onEnded(`${options.host}'s agent ended (${how}): ${said()}`);
    };
    child.once('exit', (code, signal) => end(String(signal ?? code)));
    // It never began: there is no process left for it, or its program has gone.
    child.once('error', ({ message }) => end(message));
  });
  async function stop(): Promise<void> {
    stopping = true;
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(insist);
  }
  function kill(): void {
    stopping = true;
    child.kill('SIGKILL');
  }
  const ready = readiness(child, options, said).then(({ data, socket }): AgentProcess => {
    return { host: options.host, data, ended, get: (path) => getOverSocket(socket, path), stop, kill };
  });
  // Whoever stops it before does not wait for it.
  ready.catch(() => undefined);
  return { ready, stop, kill };
}

/** The token is no argument: arguments can be read by everybody on the machine. */
function environmentOf({
  host,
  folder,
  plane,
  joinToken,
  logFile,
  capacityBytes,
  environment,
}: AgentOptions): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    // Where this process keeps what was compiled, its agents do too.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    STRATA_PLANE: plane,
    STRATA_HOST: host,
    STRATA_DATA: folder,
    STRATA_JOIN_TOKEN: joinToken,
    STRATA_LOG_FILE: logFile,
    // By default small enough for any laptop's temporary folder; every model is wanted.
    STRATA_CAPACITY: String(capacityBytes ?? DEFAULT_CAPACITY),
    STRATA_HEADROOM: '64MiB',
    STRATA_SUBSCRIPTIONS: '*',
    STRATA_PORT: 'none',
    STRATA_IDLE_PAUSE_SECONDS: '1',
    ...environment,
  };
}

/** `spawn` may also throw. */
function spawnLogged(options: AgentOptions) {
  const log = openSync(options.logFile, 'a');
  try {
    return spawn(process.execPath, [MAIN, '--exit-with-parent'], {
      stdio: ['pipe', 'pipe', log],
      env: environmentOf(options),
    });
  } finally {
    closeSync(log);
  }
}

/** Tells what a log said last since now: an earlier agent may have written to it too. */
function logFrom({ logFile }: AgentOptions): () => string {
  const from = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  return () => {
    const line = lastLine(logFile, from);
    return line === '' ? `it said nothing; its log is ${logFile}` : `${line}; its log is ${logFile}`;
  };
}

const LogLine = z.object({ msg: z.string(), err: z.optional(z.object({ message: z.string() })) });
/** What Node prints around the message of an error that nobody caught. */
const AROUND_AN_ERROR = /^(\s|\}|Node\.js v|$)/;

function lastLine(logFile: string, from: number): string {
  const lines = endOf(logFile, from).split('\n');
  const line = lines.findLast((one) => !AROUND_AN_ERROR.test(one)) ?? '';
  const { msg, err } = (line.startsWith('{') ? LogLine.safeParse(jsonOf(line)).data : undefined) ?? { msg: line };
  const text = err === undefined ? msg : `${msg}: ${err.message}`;
  return text.slice(0, 500).replace(/\.$/, '');
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Of a log that may be long, or be taken away meanwhile. */
function endOf(logFile: string, from: number): string {
  try {
    const log = openSync(logFile, 'r');
    try {
      const { size } = fstatSync(log);
      const end = Buffer.alloc(Math.max(0, Math.min(size - from, 64 * KIB)));
      readSync(log, end, 0, end.byteLength, size - end.byteLength);
      return end.toString();
    } finally {
      closeSync(log);
    }
  } catch {
    return '';
  }
}

async function readiness(
  child: ChildProcess,
  { host }: AgentOptions,
  said: () => string,
): Promise<z.infer<typeof Ready>> {
  if (child.stdout === null) throw new TypeError('The agent is started with a pipe.');
  const lines = createInterface({ input: child.stdout });
  const first = once(lines, 'line').then(([line]) => Ready.parse(JSON.parse(String(line))));
  const failed = once(child, 'exit').then(() => undefined);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, READY_MS, undefined).unref());
  const ready = await Promise.race([first, failed, late]);
  if (ready !== undefined) return ready;
  child.kill('SIGKILL');
  throw new AgentLostError(`${host}'s agent did not come up: ${said()}.`);
}

function getOverSocket(socketPath: string, path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, headers: { host: 'localhost' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, body: text === '' ? undefined : JSON.parse(text) });
      });
    });
    call.on('error', reject);
    call.end();
  });
}

export function hostFolder(data: string, host: HostId): string {
  return join(data, 'hosts', host);
}
