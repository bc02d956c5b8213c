import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import * as z from 'zod/mini';
import type { FunctionName } from '../functions/index.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { type AgentEndpointDeps, createAgentEndpoint } from './agentEndpoint.ts';
import { httpEvent } from './envelopes.ts';
import type { Invoker } from './invoker.ts';
import { createOperatorEndpoint, type OperatorEndpointDeps } from './operatorEndpoint.ts';
import { BODY_LIMITS, type BodyLimits, type BodyRoom, createBodyRoom, readText, RequestError } from './requestBody.ts';
import { createWatchEndpoint, type WatchEndpointDeps } from './watchEndpoint.ts';

export interface HttpRoute {
  readonly functionName: FunctionName;
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

export interface EndpointDeps {
  readonly agent: AgentEndpointDeps;
  readonly operator: OperatorEndpointDeps;
  readonly watch: WatchEndpointDeps;
  readonly routes: readonly HttpRoute[];
  readonly invoker: Invoker;
  readonly telemetry: Telemetry;
}

export interface Endpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** The port cannot be had: another runtime has it, most likely, or it is one of those that only root may listen on. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

const HttpResult = z.object({
  statusCode: z.number(),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.optional(z.string()),
});

/** Serves agents, operators, who watches, and the functions' own routes on loopback; port 0 takes a free one. */
export async function serveEndpoint(deps: EndpointDeps, port: number, limits = BODY_LIMITS): Promise<Endpoint> {
  const app = new Hono();
  let allowedHosts: readonly string[] = [];

  // A page in a browser may resolve its own name to 127.0.0.1, but it cannot choose the Host header.
  app.use('*', async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!allowedHosts.includes(host)) return problemAnswer(context, FOREIGN_HOST);
    return next();
  });
  app.route('/agent', createAgentEndpoint(deps.agent, limits));
  app.route('/operator', createOperatorEndpoint(deps.operator, limits));
  app.route('/', createWatchEndpoint(deps.watch));
  const room = createBodyRoom(limits);
  for (const route of deps.routes) addRoute(app, deps, route, { limits, room });
  app.notFound((context) => problemAnswer(context, NO_ROUTE));
  app.onError((error, context) => {
    if (error instanceof RequestError) {
      const { status, message: title } = error;
      return problemAnswer(context, {
        status,
        code: status === 503 ? 'internal' : 'bad-request',
        title,
        hint: status === 503 ? 'Call again.' : 'Compare the caller’s version with the runtime’s.',
      });
    }
    deps.telemetry.error('endpoint-failed', error, { path: context.req.path });
    return problemAnswer(context, FAILED);
  });

  const server = createAdaptorServer({
    fetch: app.fetch,
    // Uploads take as long as they take: what bounds them is the pause between two of their bytes.
    serverOptions: { headersTimeout: limits.waitMs, requestTimeout: 0, connectionsCheckingInterval: 1_000 },
  });
  const url = `http://127.0.0.1:${await listen(server, port)}`;
  allowedHosts = [new URL(url).host, new URL(url).host.replace('127.0.0.1', 'localhost')];
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

/** RFC 9457, as the functions answer. */
interface EndpointProblem {
  readonly status: 400 | 404 | 408 | 413 | 415 | 421 | 500 | 502 | 503;
  readonly code: string;
  readonly title: string;
  readonly hint: string;
}

const FOREIGN_HOST: EndpointProblem = {
  status: 421,
  code: 'foreign-host',
  title: 'This endpoint answers under its own name on loopback only.',
  hint: 'Call http://127.0.0.1 with the port that `npm start` printed.',
};
const NO_ROUTE: EndpointProblem = {
  status: 404,
  code: 'unknown-route',
  title: 'There is nothing here.',
  hint: 'Use a `strata` and an agent of the runtime’s release.',
};
const NO_ANSWER: EndpointProblem = {
  status: 502,
  code: 'no-answer',
  title: 'The function behind the route gave no answer.',
  hint: 'Try again; see logs/runtime.jsonl in the data folder.',
};
const FAILED: EndpointProblem = {
  status: 500,
  code: 'internal',
  title: 'The runtime failed.',
  hint: 'See logs/runtime.jsonl in the data folder.',
};

function problemAnswer(context: Context, problem: EndpointProblem): Response {
  return context.body(JSON.stringify(problem), problem.status, { 'content-type': 'application/problem+json' });
}

interface Reading {
  readonly limits: BodyLimits;
  readonly room: BodyRoom;
}

/** The function behind the route learns from the body who calls. */
function addRoute(app: Hono, deps: EndpointDeps, route: HttpRoute, { limits, room }: Reading): void {
  app.on(route.method, route.path, (context) =>
    room.within(async (hold) => {
      const url = new URL(context.req.url);
      const event = httpEvent({
        method: route.method,
        path: url.pathname,
        query: url.search.slice(1),
        headers: context.req.header(),
        body: await readText(context, limits, hold),
      });
      const invocation = await deps.invoker.invoke(route.functionName, event);
      if (invocation.outcome !== 'answered') return problemAnswer(context, NO_ANSWER);
      const { statusCode, headers, body } = HttpResult.parse(invocation.answer);
      return new Response(body ?? '', { status: statusCode, ...(headers === undefined ? {} : { headers }) });
    }),
  );
}

const PORT_ERRORS = new Map([
  ['EADDRINUSE', 'is taken. Stop what listens there'],
  ['EACCES', 'is not for this user. Let it listen there (net.ipv4.ip_unprivileged_port_start)'],
]);

function listen(server: ServerType, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const told = 'code' in error ? PORT_ERRORS.get(String(error.code)) : undefined;
      const message = `Port ${port} ${told}, or choose another with --port (0 takes a free one).`;
      reject(told === undefined ? error : new PortTakenError(message, { cause: error }));
    });
    server.listen(port, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
