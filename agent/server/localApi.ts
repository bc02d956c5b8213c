import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { Digest, ModelName } from '../../lib/shared/ids.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { Agent } from '../agent.ts';
import { type AnswerConfig, ensuredAnswer, operationBody, problemAnswer, statusBody } from './answers.ts';
import { healthBody, metricsAnswer, metricsBody } from './metricsAnswers.ts';
import { PROBLEMS } from './problems.ts';

export interface LocalApiDeps {
  /** Undefined while the store is being opened. */
  readonly agent: () => Agent | undefined;
  readonly telemetry: Telemetry;
}

export interface LocalApiConfig extends AnswerConfig {
  /** Where the API is reached over TCP: whoever calls must name this host and carry the token. The socket needs neither. */
  readonly tcp?: { readonly token: string };
}

const MOST_WAIT_SECONDS = 300;
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What inference processes on this host ask the agent. */
export function createLocalApi(deps: LocalApiDeps, config: LocalApiConfig): Hono {
  const app = new Hono();
  if (config.tcp !== undefined) guard(app, config.tcp.token);
  const withAgent = (work: (agent: Agent, context: Context) => Promise<Response>) => async (context: Context) => {
    const agent = deps.agent();
    return agent === undefined ? problemAnswer(context, PROBLEMS.starting) : work(agent, context);
  };

  app.get('/v1/health', async (context) => {
    const agent = deps.agent();
    return agent === undefined ? context.json({ status: 'starting' }, 503) : context.json(await healthBody(agent));
  });
  app.get('/metrics', withAgent(metricsAnswer));
  app.get(
    '/v1/metrics',
    withAgent(async (agent, context) => context.json(await metricsBody(agent))),
  );
  app.get(
    '/v1/status',
    withAgent(async (agent, context) => context.json(await statusBody(agent))),
  );
  app.get(
    '/v1/models/:reference',
    withAgent(async (agent, context) => {
      const wanted = parseReference(context.req.param('reference'));
      const waitSeconds = parseWait(context.req.query('wait'));
      if (wanted === undefined) return problemAnswer(context, PROBLEMS.badReference);
      if (waitSeconds === undefined) return problemAnswer(context, PROBLEMS.badWait);
      const ensured = await agent.models.ensure(wanted.model, wanted.reference, waitSeconds * 1000);
      return ensuredAnswer(context, config, ensured);
    }),
  );
  app.get(
    '/v1/blobs/:digest',
    withAgent(async (agent, context) => {
      const digest = Digest.safeParse(context.req.param('digest'));
      const waitSeconds = parseWait(context.req.query('wait'));
      if (!digest.success) return problemAnswer(context, PROBLEMS.badDigest);
      if (waitSeconds === undefined) return problemAnswer(context, PROBLEMS.badWait);
      return ensuredAnswer(context, config, await agent.models.ensureBlob(digest.data, waitSeconds * 1000));
    }),
  );
  app.get(
    '/v1/operations/:reference',
    withAgent(async (agent, context) => {
      const operation = context.req.param('reference') ?? '';
      const fetch = agent.models.fetchState(operation);
      if (fetch === undefined) return problemAnswer(context, PROBLEMS.noOperation);
      return context.json({ operation, ...operationBody(fetch) });
    }),
  );
  app.put(
    '/v1/leases/:id',
    withAgent(async (agent, context) => {
      const id = context.req.param('id') ?? '';
      if (!agent.store.leases.renew(id)) return problemAnswer(context, PROBLEMS.noLease);
      return context.json({ lease: id, expiresInSeconds: config.leaseSeconds });
    }),
  );
  app.delete(
    '/v1/leases/:id',
    withAgent(async (agent, context) => {
      const released = await agent.store.leases.release(context.req.param('id') ?? '');
      return released ? context.body(null, 204) : problemAnswer(context, PROBLEMS.noLease);
    }),
  );
  app.notFound((context) => problemAnswer(context, PROBLEMS.noRoute));
  app.onError((error, context) => {
    deps.telemetry.error('local-api-failed', error, { path: context.req.path });
    return problemAnswer(context, PROBLEMS.internal);
  });
  return app;
}

function guard(app: Hono, token: string): void {
  app.use('*', async (context, next) => {
    // A page in a browser that rebinds its own name to 127.0.0.1 still sends its own name.
    if (!namesLoopback(context.req.header('host'))) return problemAnswer(context, PROBLEMS.foreignHost);
    if (!carries(context.req.header('authorization'), token)) return problemAnswer(context, PROBLEMS.noToken);
    await next();
    return undefined;
  });
}

/** `name`, `name@version`, `name@alias`, `name@range`; a name alone means its latest version. */
function parseReference(text = ''): { readonly model: ModelName; readonly reference: string } | undefined {
  const at = text.indexOf('@');
  const model = ModelName.safeParse(at < 0 ? text : text.slice(0, at));
  const reference = at < 0 ? 'latest' : text.slice(at + 1);
  if (!model.success || reference === '' || reference.length > 128) return undefined;
  return { model: model.data, reference };
}

function parseWait(text = '0'): number | undefined {
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= MOST_WAIT_SECONDS ? seconds : undefined;
}

function namesLoopback(header: string | undefined): boolean {
  return LOOPBACK_NAMES.has((header ?? '').replace(/:\d+$/, '').toLowerCase());
}

/** Compared by hash, so that neither length nor content shows in the time that it takes. */
function carries(header: string | undefined, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(header ?? ''), hash(`Bearer ${token}`));
}
