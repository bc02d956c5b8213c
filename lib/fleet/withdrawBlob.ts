import type { WithdrawBlob } from '../../events/withdraw-blob/v1.ts';
import { BlobRow, isAdmitted, ReplicaRow, sendOnce, startingWith } from '../catalog/index.ts';
import { MINUTE_MS, SECOND_MS } from '../shared/units.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { commandHost, type OperatorDeps } from './operatorCommands.ts';

const COPIES_PER_MESSAGE = 50;
/** Leases end, silent hosts come back: they are asked again until no copy is left. */
const AGAIN_SECONDS = (10 * MINUTE_MS) / SECOND_MS;
/** Two days; whoever is still silent then is retired, and forgets its copies by that. */
const MOST_HOPS = 300;

/**
 * Tells every host that holds a blob which may no longer be served to let go of it: a pin is taken away first. The gate keeps new
 * copies from coming; what is leased is evicted when its lease ends. Answers how many hosts were commanded.
 */
export async function withdrawBlob(
  deps: OperatorDeps & { readonly telemetry: Telemetry },
  message: WithdrawBlob,
): Promise<number> {
  const { digest, cursor, correlationId, hop } = message;
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined || isAdmitted(blob.value.findings)) return 0;
  const page = await deps.catalog.query({
    partition: `BLOB#${digest}`,
    ...startingWith('REPLICA#nvme'),
    limit: COPIES_PER_MESSAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  let commanded = 0;
  for (const item of page.items) {
    const { host, pinned } = ReplicaRow.parse(item).value;
    if (host === undefined) continue;
    // Every second time the pin goes first: a host may hold one that the catalog does not know of.
    const command = { type: pinned || hop % 2 === 1 ? ('unpin' as const) : ('evict' as const), digest };
    const answer = await commandHost(deps, { host: host.id, command, correlationId, reason: 'withdrawn' });
    if (answer.outcome === 'commanded') commanded += 1;
  }
  deps.telemetry.metric('WithdrawalsCommanded', 'Count', commanded);
  if (page.cursor !== undefined) {
    const id = [correlationId, digest, hop, page.cursor].join(' ');
    const body = { ...message, cursor: page.cursor };
    await sendOnce(deps, { scope: 'withdraw-page', id }, { queue: 'placement', body });
  }
  if (cursor === undefined && page.items.length > 0) await askAgain(deps, message);
  return commanded;
}

async function askAgain(
  deps: OperatorDeps & { readonly telemetry: Telemetry },
  { cursor: _cursor, ...message }: WithdrawBlob,
): Promise<void> {
  const hop = message.hop + 1;
  if (hop >= MOST_HOPS) {
    deps.telemetry.error('withdrawal-unfinished', new Error('hosts still hold a withdrawn blob'), {
      digest: message.digest,
    });
    return;
  }
  const id = [message.correlationId, message.digest, hop].join(' ');
  const next = { queue: 'placement', body: { ...message, hop }, delaySeconds: AGAIN_SECONDS };
  await sendOnce(deps, { scope: 'withdraw-again', id }, next);
}
