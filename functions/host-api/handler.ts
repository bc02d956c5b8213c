import { RegisterHost } from '../../events/host-api/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import {
  joinHost,
  problemOf,
  type RegistrationDeps,
  type ResolveDeps,
  refreshSession,
  registerHost,
  rejoinHost,
  resolveModel,
} from '../../lib/fleet/index.ts';
import { createPricesInForce, type PricesDeps, type PricesInForce } from '../../lib/priceBooks/index.ts';
import { hostBooks, PricingError } from '../../lib/pricing/index.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { type HttpAnswer, type HttpHandler, type HttpRequest, httpHandler } from '../shared/httpHandler.ts';
import { BodyError, modelAnswer, parseBody, problemAnswer, sessionAnswer } from './answers.ts';

type HostApiDeps = Omit<RegistrationDeps, 'prices'> & Pick<ResolveDeps, 'scanner' | 'settings'> & PricesDeps;
type Route = (
  request: HttpRequest,
  deps: HostApiDeps &
    Pick<RegistrationDeps, 'prices'> & { readonly pricesInForce: PricesInForce; readonly seed: string },
) => Promise<HttpAnswer>;

/** Where IAM guards a route, the gateway refuses strangers; so does the function, where no gateway stands before it. */
const unauthenticated = problemAnswer({
  status: 401,
  code: 'unauthenticated',
  title: 'The caller is not authenticated.',
  hint: 'Sign the call with AWS credentials, or join by a token: POST /v1/hosts/join.',
});

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    'POST /v1/hosts',
    async (request, deps) =>
      request.callerArn === undefined
        ? unauthenticated
        : sessionAnswer(await registerHost(deps, parseBody(RegisterHost, request), request.callerArn)),
  ],
  [
    'POST /v1/hosts/join',
    async (request, deps) => sessionAnswer(await joinHost(deps, parseBody(RegisterHost, request))),
  ],
  [
    'POST /v1/hosts/rejoin',
    async (request, deps) => sessionAnswer(await rejoinHost(deps, parseBody(SignedEnvelope, request))),
  ],
  [
    'POST /v1/hosts/refresh',
    async (request, deps) => sessionAnswer(await refreshSession(deps, parseBody(SignedEnvelope, request))),
  ],
  [
    'POST /v1/resolve',
    async (request, deps) =>
      modelAnswer(
        await resolveModel({ ...deps, rates: await deps.pricesInForce() }, parseBody(SignedEnvelope, request)),
        deps.seed,
      ),
  ],
]);

export function createHostApiHandler(deps: HostApiDeps): HttpHandler {
  const pricesInForce = createPricesInForce(deps);
  return httpHandler(deps, {
    name: 'host-api',
    answer: (request, { telemetry, requestId: seed }) => {
      const route = ROUTES.get(`${request.method} ${request.path}`) ?? notFound;
      const prices = () => pricesToTell(pricesInForce, telemetry);
      return route(request, { ...deps, telemetry, pricesInForce, prices, seed });
    },
    problem: (error, seed) => problemAnswer(error instanceof BodyError ? error.problem : problemOf(error, seed)),
  });
}

/** No host waits for a price book: without one it goes on with the prices that it has. */
async function pricesToTell(pricesInForce: PricesInForce, telemetry: Telemetry): Promise<string | undefined> {
  try {
    return hostBooks((await pricesInForce()).prices);
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    telemetry.error('prices-not-told', error);
    return undefined;
  }
}

const notFound: Route = async () =>
  problemAnswer({
    status: 404,
    code: 'bad-request',
    title: 'No such route.',
    hint: 'Compare the agent’s version with the plane’s.',
  });
