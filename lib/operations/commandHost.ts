import * as z from 'zod/mini';
import { commandHost, type OperatorDeps, type OperatorRefusal } from '../fleet/index.ts';
import { ActionId, CorrelationId, Digest, HostId } from '../shared/ids.ts';
import { Bytes } from '../shared/units.ts';
import { OperationsError } from './errors.ts';

/** What an operator may ask of one host; what it did is told by the action (`showActions`, `explain`). */
export const HostCommandInput = z.strictObject({
  host: HostId,
  command: z.discriminatedUnion('type', [
    z.strictObject({ type: z.enum(['pin', 'unpin', 'evict', 'verify']), digest: Digest }),
    z.strictObject({ type: z.enum(['drain', 'report']) }),
    z.strictObject({ type: z.literal('resize'), capacityBytes: Bytes }),
  ]),
  dryRun: z.boolean(),
});

export const HostCommandView = z.object({ actionId: ActionId, host: HostId, type: z.string() });

const REFUSALS: Readonly<Record<OperatorRefusal, string>> = {
  'unknown-host': 'No such host is registered. See `strata hosts`.',
  'host-not-listening': 'The host is silent or retired and would not take the command. See `strata hosts`.',
  'not-resident': 'The host does not hold that blob. See `strata show`.',
  pinned: 'The blob is pinned on that host. Unpin it first: `strata host unpin`.',
  busy: 'Another command about that copy has no receipt yet. Try again when it has.',
};

/** Sends one signed command, or with `dryRun` only decides. Throws `OperationsError` `command-refused`. */
export async function sendHostCommand(
  deps: OperatorDeps,
  input: z.infer<typeof HostCommandInput>,
): Promise<z.infer<typeof HostCommandView>> {
  const correlationId = CorrelationId.parse(`operator-${deps.random.id()}`);
  const answer = await commandHost(deps, { ...input, correlationId });
  if (answer.outcome === 'commanded') {
    return { actionId: answer.actionId, host: input.host, type: input.command.type };
  }
  throw new OperationsError({
    code: 'command-refused',
    message: REFUSALS[answer.reason],
    retryable: answer.reason === 'busy',
  });
}
