import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import { CatalogChanges } from '../../events/aws/catalogChanges.v1.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import type { ItemKey } from '../../lib/shared/ports/catalogStore.ts';
import { type HandlerDeps, type Invocation, invocationOf } from './invocation.ts';
import { reportFailure, WITHOUT_TIMER } from './middleware.ts';

export interface StreamHandlerOptions {
  readonly name: string;
  /** The keys of the rows that were inserted. The stream only wakes: what it misses, a schedule finds. */
  readonly handle: (inserted: readonly ItemKey[], invocation: Invocation) => Promise<void>;
}

export type StreamHandler = (event: unknown, context: Context) => Promise<void>;

/** Handles a batch of the catalog's stream as a whole. A rejection leaves the batch to the stream's bounded retries. */
export function streamHandler(deps: HandlerDeps, options: StreamHandlerOptions): StreamHandler {
  return createMiddy<unknown, void>(WITHOUT_TIMER)
    .use(reportFailure(deps, options.name))
    .handler(async (event: unknown, context: Context): Promise<void> => {
      const changes = CatalogChanges.safeParse(event);
      if (!changes.success) {
        throw new ContractError({
          code: 'invalid-message',
          message: 'The call is no batch of the catalog’s stream.',
          retryable: false,
          cause: changes.error,
        });
      }
      const inserted = changes.data.Records.filter((record) => record.eventName === 'INSERT').map(
        ({ dynamodb: { Keys } }) => ({ partition: Keys.pk.S, sort: Keys.sk.S }),
      );
      await options.handle(inserted, invocationOf(deps, options.name, context));
    });
}
