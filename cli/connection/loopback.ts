import { createReadStream } from 'node:fs';
import * as z from 'zod/mini';
import {
  createRemoteOperations,
  OperationAnswer,
  OperationFailure,
  RemoteOperationError,
} from '../../lib/operations/index.ts';
import { MIB } from '../../lib/shared/units.ts';
import { CliError } from '../errors.ts';
import type { OperatorFile } from './operatorFile.ts';
import type { FileToUpload, Plane, Uploads } from './plane.ts';

const Problem = z.object({ title: z.string(), hint: z.string() });
const Written = z.object({ outcome: z.literal('written'), versionId: z.string() });
const METADATA_HEADER = 'x-strata-meta-';

/** The plane of an embedded runtime, over its operator endpoint on loopback. `startedWith`: what `npm start` takes to bring it back. */
export function connectLoopback({ endpoint, token }: OperatorFile, startedWith = ''): Plane {
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
    const message = `${endpoint} is no URL of a plane, such as http://127.0.0.1:7410.`;
    throw new CliError({ code: 'no-plane', message, retryable: false });
  }

  async function call(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | ReadableStream<Uint8Array>,
  ): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(new URL(`/operator/${path}`, endpoint), {
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
        body,
        duplex: 'half',
      });
    } catch (cause) {
      throw new CliError({
        code: 'plane-unreachable',
        message: `Nothing answers at ${endpoint}. Is the runtime still running? Start it with \`npm start${startedWith}\`.`,
        retryable: true,
        cause: reasonOf(cause),
      });
    }
    const text = await response.text();
    if (response.ok) return parseJson(text);
    const failure = OperationFailure.safeParse(parseJson(text));
    if (failure.success) throw new RemoteOperationError(failure.data);
    throw failureOf(response.status, parseJson(text));
  }

  async function put(
    key: string,
    body: string | ReadableStream<Uint8Array>,
    metadata: Readonly<Record<string, string>>,
  ): Promise<{ readonly versionId: string }> {
    const headers = Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [METADATA_HEADER + name, value]),
    );
    const answer = Written.safeParse(await call('PUT', `objects/${key}`, headers, body));
    if (answer.success) return answer.data;
    throw new CliError({ code: 'not-uploaded', message: `${key} was not taken. Push again.`, retryable: true });
  }

  const uploads: Uploads = {
    put: (key, file, metadata, onBytes) => put(key, ReadableStream.from(chunks(file, onBytes)), metadata),
    putText: put,
  };
  const operations = createRemoteOperations(async (name, input) => {
    const headers = { 'content-type': 'application/json' };
    const answer = OperationAnswer.safeParse(await call('POST', `operations/${name}`, headers, JSON.stringify(input)));
    if (answer.success) return answer.data;
    throw badAnswer(`no answer of ${name}`);
  });
  return { operations, uploads };
}

/** `fetch` says that it failed, and beneath that why. */
function reasonOf(error: unknown): unknown {
  const within = error instanceof Error ? error.cause : undefined;
  return within instanceof Error && within.message !== '' ? within : error;
}

async function* chunks({ path }: FileToUpload, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) {
    const bytes: Uint8Array = chunk;
    onBytes(bytes.byteLength);
    yield bytes;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badAnswer('no JSON', cause);
  }
}

/** The runtime's own words where it has some. */
function failureOf(status: number, body: unknown): CliError {
  const problem = Problem.safeParse(body);
  if (!problem.success) return badAnswer(`status ${status}`);
  const { title, hint } = problem.data;
  return new CliError({ code: 'plane-failed', message: `${title} ${hint}`, retryable: status >= 500 });
}

function badAnswer(what: string, cause?: unknown): CliError {
  return new CliError({
    code: 'bad-answer',
    message: `The plane answered ${what}. Use a \`strata\` of the same release as the plane.`,
    retryable: false,
    cause,
  });
}
