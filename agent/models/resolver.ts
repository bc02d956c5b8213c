import type { Problem, ResolveBlob, ResolvedModel, ResolveModel } from '../../events/host-api/v1.ts';
import type { AgentPlane } from '../../lib/fleet/index.ts';
import { errorText, PortError } from '../../lib/shared/errors.ts';
import type { Digest, ModelName } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { DurationMs } from '../../lib/shared/units.ts';
import type { Session } from '../session/session.ts';

/**
 * How old an answer is. `remembered`: the plane cannot be reached now, so what is not on the disk may not be fetched on the word of
 * this. Only a `fresh` one says where the bytes lie now.
 */
export type Answer = 'fresh' | 'recent' | 'remembered';

export type Resolution =
  | { readonly outcome: 'resolved'; readonly model: ResolvedModel; readonly answer: Answer }
  | { readonly outcome: 'refused'; readonly problem: Problem }
  | { readonly outcome: 'unreachable'; readonly message: string };

/**
 * What a model reference means. The plane decides; its answers hold for a moment, and for longer only while the plane cannot
 * be reached and only for what is on the disk.
 */
export interface Resolver {
  resolve(model: ModelName, reference: string): Promise<Resolution>;
  /** By content: answered as one version that has it, with only the files of this digest. */
  resolveBlob(digest: Digest): Promise<Resolution>;
}

export interface ResolverDeps {
  readonly plane: AgentPlane;
  readonly session: Session;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

const MOST_REMEMBERED = 1000;

type Asked = Pick<ResolveModel, 'schema' | 'model' | 'reference'> | Pick<ResolveBlob, 'schema' | 'digest'>;

export function createResolver(deps: ResolverDeps, config: { readonly resolutionTtlMs: DurationMs }): Resolver {
  const remembered = new Map<string, { readonly model: ResolvedModel; readonly at: number }>();

  async function ask(what: Asked): Promise<Resolution> {
    const session = deps.session.current();
    if (session === undefined) return { outcome: 'unreachable', message: 'This host is not registered yet.' };
    const { host, generation } = session;
    const at = deps.clock.now();
    try {
      const answer = await deps.plane.resolve(deps.session.sign({ ...what, host, generation, at }));
      if (answer.outcome === 'refused') {
        if (answer.problem.code === 'stale-generation') deps.session.renewSoon();
        return answer;
      }
      return { outcome: 'resolved', model: answer.value, answer: 'fresh' };
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      deps.telemetry.warn('model-not-resolved', { ...what, error: errorText(error) });
      return { outcome: 'unreachable', message: errorText(error) };
    }
  }

  async function resolve(key: string, what: Asked): Promise<Resolution> {
    const known = remembered.get(key);
    const age = known === undefined ? 0 : deps.clock.now() - known.at;
    if (known !== undefined && age >= 0 && age < config.resolutionTtlMs) {
      return { outcome: 'resolved', model: known.model, answer: 'recent' };
    }
    const resolution = await ask(what);
    if (known !== undefined && !isAboutTheModel(resolution)) {
      return { outcome: 'resolved', model: known.model, answer: 'remembered' };
    }
    remembered.delete(key);
    if (resolution.outcome === 'resolved') remembered.set(key, { model: resolution.model, at: deps.clock.now() });
    const oldest = remembered.size > MOST_REMEMBERED ? remembered.keys().next() : undefined;
    if (oldest?.done === false) remembered.delete(oldest.value);
    return resolution;
  }

  /** What the plane says of a host with a wrong clock is as if it said nothing. */
  const isAboutTheModel = (resolution: Resolution) =>
    resolution.outcome !== 'unreachable' &&
    (resolution.outcome !== 'refused' || resolution.problem.code !== 'clock-skew');

  return {
    resolve: (model, reference) => resolve(`${model}@${reference}`, { schema: 'resolve-model/1', model, reference }),
    resolveBlob: (digest) => resolve(digest, { schema: 'resolve-blob/1', digest }),
  };
}
