import type { Failure } from '../failures.ts';
import type { SignedRequest } from './protocol.ts';

/** The request of one source as it is now: signed by the main thread, perhaps redirected since. */
export interface CurrentRequest {
  readonly generation: number;
  readonly request: SignedRequest;
}

export interface Requests {
  current(source: number): Promise<CurrentRequest | Failure>;
  /** What was used in `generation` is no longer good. Asks only once for all ranges that find this out. */
  renew(source: number, generation: number, region: string | undefined): void;
  /** Later ranges go where this one was redirected to. */
  redirected(source: number, generation: number, request: SignedRequest): void;
  answered(source: number, request: SignedRequest | Failure): void;
  forget(source: number): void;
}

interface State {
  generation: number;
  request: PromiseWithResolvers<SignedRequest | Failure>;
}

export function createRequests(ask: (source: number, region: string | undefined) => void): Requests {
  const states = new Map<number, State>();

  function stateOf(source: number): State {
    const known = states.get(source);
    if (known !== undefined) return known;
    const state: State = { generation: 0, request: Promise.withResolvers() };
    states.set(source, state);
    ask(source, undefined);
    return state;
  }

  return {
    async current(source) {
      const state = stateOf(source);
      const { generation } = state;
      const request = await state.request.promise;
      return 'kind' in request ? request : { generation, request };
    },
    renew(source, generation, region) {
      const state = stateOf(source);
      if (state.generation !== generation) return;
      state.generation += 1;
      state.request = Promise.withResolvers();
      ask(source, region);
    },
    redirected(source, generation, request) {
      const state = stateOf(source);
      if (state.generation !== generation) return;
      state.request = Promise.withResolvers();
      state.request.resolve(request);
    },
    answered(source, request) {
      states.get(source)?.request.resolve(request);
    },
    forget: (source) => void states.delete(source),
  };
}
