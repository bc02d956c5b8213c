import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import * as z from 'zod/mini';
import type { FunctionName } from '../functions/index.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { type AgentEndpointDeps, createAgentEndpoint } from './agentEndpoint.ts';
import { httpEvent } from './envelopes.ts';
import type { Invoker } from './invoker.ts';
import { createOperatorEndpoint, type OperatorEndpointDeps } from './operatorEndpoint.ts';

export interface HttpRoute {
  readonly functionName: FunctionName;
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

export interface EndpointDeps {
  readonly agent: AgentEndpointDeps;
  readonly operator: OperatorEndpointDeps;
  readonly routes: readonly HttpRoute[];
  readonly invoker: Invoker;
  readonly telemetry: Telemetry;
}

export interface Endpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** The port is taken: by another runtime, most likely. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

const HttpResult = z.object({
  statusCode: z.number(),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.optional(z.string()),
});

/** Serves agents, operators and the functions' own routes on loopback; port 0 takes a free one. */
export async function serveEndpoint(deps: EndpointDeps, port: number): Promise<Endpoint> {
  const app = new Hono();
  let allowedHosts: readonly string[] = [];

  // A page in a browser may resolve its own name to 127.0.0.1, but it cannot choose the Host header.
  app.use('*', async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!allowedHosts.includes(host)) return context.json({ title: 'This endpoint answers on loopback only.' }, 421);
    return next();
  });
  app.route('/agent', createAgentEndpoint(deps.agent));
  app.route('/operator', createOperatorEndpoint(deps.operator));
  for (const route of deps.routes) addRoute(app, deps, route);
  app.onError((error, context) => {
    deps.telemetry.error('endpoint-failed', error, { path: context.req.path });
    return context.json({ title: 'The runtime failed. See its log.' }, 500);
  });

  const server = createAdaptorServer({ fetch: app.fetch });
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

function addRoute(app: Hono, deps: EndpointDeps, route: HttpRoute): void {
  app.on(route.method, route.path, async (context) => {
    const url = new URL(context.req.url);
    const event = httpEvent({
      method: route.method,
      path: url.pathname,
      query: url.search.slice(1),
      headers: context.req.header(),
      body: await context.req.text(),
    });
    const invocation = await deps.invoker.invoke(route.functionName, event);
    if (invocation.outcome !== 'answered') return context.json({ title: 'No answer. Try again.' }, 502);
    const { statusCode, headers, body } = HttpResult.parse(invocation.answer);
    return new Response(body ?? '', { status: statusCode, ...(headers === undefined ? {} : { headers }) });
  });
}

function listen(server: ServerType, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      const message = `Port ${port} is taken. Stop what listens there, or choose another with --port (0 takes a free one).`;
      reject(taken ? new PortTakenError(message, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
