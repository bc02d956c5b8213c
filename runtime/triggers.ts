import { FUNCTIONS, type FunctionName } from '../functions/index.ts';
import type { Trigger } from '../functions/shared/declaration.ts';
import type { HttpRoute } from './endpoint.ts';
import type { Schedule } from './schedules.ts';

// The declared triggers by kind, each with the function that it calls.

interface Triggered<Kind extends Trigger['kind']> {
  readonly functionName: FunctionName;
  readonly timeoutSeconds: number;
  readonly trigger: Extract<Trigger, { kind: Kind }>;
}

function triggersOf<Kind extends Trigger['kind']>(kind: Kind): readonly Triggered<Kind>[] {
  const found: Triggered<Kind>[] = [];
  for (const { name, timeoutSeconds, triggers } of FUNCTIONS) {
    for (const trigger of triggers) {
      if (isKind(trigger, kind)) found.push({ functionName: name, timeoutSeconds, trigger });
    }
  }
  return found;
}

function isKind<Kind extends Trigger['kind']>(
  trigger: Trigger,
  kind: Kind,
): trigger is Extract<Trigger, { kind: Kind }> {
  return trigger.kind === kind;
}

export function queueSources(): readonly Triggered<'queue'>[] {
  return triggersOf('queue');
}

/** The queues that hosts may send to. */
export function reportQueues(): readonly string[] {
  return triggersOf('queue').flatMap(({ trigger }) => (trigger.fromHosts === true ? [trigger.queue] : []));
}

export function schedules(): readonly Schedule[] {
  return triggersOf('schedule').map(({ functionName, trigger }) => ({
    name: trigger.schedule,
    functionName,
    at: trigger.at,
  }));
}

export function httpRoutes(): readonly HttpRoute[] {
  return triggersOf('http').flatMap(({ functionName, trigger }) =>
    trigger.routes.map(({ method, path }) => ({ functionName, method, path })),
  );
}
