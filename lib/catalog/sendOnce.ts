import { createHash } from 'node:crypto';
import type { Json } from '../shared/canonicalJson.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { OnceRow } from './rows/once.ts';
import { outboxPut } from './rows/outbox.ts';
import { settle } from './settle.ts';

const REMEMBERED_MS = 7 * DAY_MS;

/**
 * Sends a message that continues a chain, once per `scope` and `id`: without it every repeated delivery of one link would double
 * all that follow. Answers whether this call sent it.
 */
export async function sendOnce(
  deps: { readonly catalog: CatalogStore; readonly clock: Clock },
  link: { readonly scope: string; readonly id: string },
  message: { readonly queue: string; readonly body: Json; readonly delaySeconds?: number },
): Promise<boolean> {
  // Cursors are long and opaque; keys are not.
  const id = createHash('sha256').update(link.id).digest('hex');
  return settle(deps.catalog, `Continuing ${link.scope}`, async () => {
    if ((await OnceRow.get(deps.catalog, link.scope, id)) !== undefined) return { changes: [], answer: false };
    const now = deps.clock.now();
    const once = { scope: link.scope, id, at: now, expiresAt: EpochMs.parse(now + REMEMBERED_MS) };
    return {
      changes: [OnceRow.put(once, 'absent'), outboxPut({ id: `${link.scope}-${id}`, ...message }, now)],
      answer: true,
    };
  });
}
