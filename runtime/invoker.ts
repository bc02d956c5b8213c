import type { Context } from 'aws-lambda';
import type { Handler } from '../functions/handlers.ts';
import type { FunctionName } from '../functions/index.ts';
import type { FunctionDeclaration } from '../functions/shared/declaration.ts';
import { createContext } from '../functions/shared/invocation.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Random } from '../lib/shared/ports/random.ts';
import { SECOND_MS } from '../lib/shared/units.ts';

export type InvocationOutcome =
  | { readonly outcome: 'answered'; readonly answer: unknown }
  | { readonly outcome: 'failed'; readonly error: unknown }
  /** Past its time limit. Lambda would have stopped it; here it may still be running, as a frozen container's does. */
  | { readonly outcome: 'timed-out' };

export interface Invoker {
  invoke(name: FunctionName, event: unknown): Promise<InvocationOutcome>;
}

/** A handler takes the envelope of its own triggers; method syntax lets every one of them stand here. */
interface Invocable {
  call(event: unknown, context: Context): Promise<unknown>;
}

export function createInvoker(options: {
  readonly functions: readonly FunctionDeclaration[];
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly clock: Clock;
  readonly random: Random;
}): Invoker {
  const { clock, random } = options;

  function find(name: string): { readonly handler: Invocable; readonly limitMs: number } {
    const declaration = options.functions.find((one) => one.name === name);
    const call = options.handlers[name];
    if (declaration === undefined || call === undefined) throw new TypeError(`There is no function ${name}.`);
    return { handler: { call }, limitMs: declaration.timeoutSeconds * SECOND_MS };
  }

  return {
    async invoke(name, event) {
      const { handler, limitMs } = find(name);
      const deadline = clock.now() + limitMs;
      const context = createContext({
        functionName: name,
        requestId: random.id(),
        remainingMs: () => Math.max(0, deadline - clock.now()),
      });
      return withinLimit(limitMs, async () => {
        try {
          return { outcome: 'answered', answer: await handler.call(event, context) };
        } catch (error) {
          return { outcome: 'failed', error };
        }
      });
    },
  };
}

async function withinLimit(limitMs: number, work: () => Promise<InvocationOutcome>): Promise<InvocationOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<InvocationOutcome>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'timed-out' }), limitMs);
  });
  try {
    return await Promise.race([work(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
