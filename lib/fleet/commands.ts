import type { Command, HostCommand } from '../../events/host-command/v1.ts';
import { type Action, ActionRow, type Alternative, type Host, outboxPut, recordedInputs } from '../catalog/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { ActionId, type CorrelationId, type ModelName, type SemVer } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { SigningKey } from '../shared/ports/commandKeys.ts';
import type { Random } from '../shared/ports/random.ts';
import { EpochMs } from '../shared/units.ts';
import { signEnvelope } from './signing.ts';

/** Why a command is sent: everything that its decision receipt keeps. */
export interface CommandDecision {
  readonly actionId: ActionId;
  readonly command: Command;
  readonly correlationId: CorrelationId;
  readonly reason: string;
  readonly policy: string;
  readonly alternatives: readonly Alternative[];
  /** The facts that were decided on, as they are replayed. */
  readonly inputs: Json;
  readonly model?: ModelName;
  readonly modelVersion?: SemVer;
  readonly attempt?: number;
}

/** What commands are signed with, and how long they live. */
export interface CommandTerms {
  readonly key: SigningKey;
  readonly now: EpochMs;
  readonly ttlMs: number;
}

export function newActionId(type: Command['type'], random: Random): ActionId {
  return ActionId.parse(`${type}-${random.id()}`);
}

/** The two changes that command a host: the pending action and the message, signed for this host in this generation. */
export function commandChanges(host: Host, decision: CommandDecision, terms: CommandTerms): readonly Change[] {
  const expiresAt = EpochMs.parse(terms.now + terms.ttlMs);
  const { command, inputs: facts, alternatives, ...kept } = decision;
  const action: Action = {
    ...kept,
    type: command.type,
    ...('digest' in command ? { digest: command.digest } : {}),
    host: { id: host.id, generation: host.generation },
    state: 'pending',
    chosen: command.type,
    alternatives: [...alternatives],
    ...recordedInputs(facts),
    decidedAt: terms.now,
    expiresAt,
  };
  const message: HostCommand = {
    schema: 'host-command/1',
    actionId: decision.actionId,
    host: host.id,
    generation: host.generation,
    issuedAt: terms.now,
    expiresAt,
    correlationId: decision.correlationId,
    command,
  };
  return [
    ActionRow.put(action, 'absent'),
    outboxPut({ id: decision.actionId, queue: host.queue, body: { ...signEnvelope(message, terms.key) } }, terms.now),
  ];
}
