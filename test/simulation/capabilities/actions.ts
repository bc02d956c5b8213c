import { type Action, ActionRow } from '../../../lib/catalog/index.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';
import { redrive } from '../redrive.ts';

/** Not `expired`: a receipt that comes late still says what is true. */
const TERMINAL = new Set<Action['state']>(['done', 'failed', 'leaked', 'refused', 'superseded']);

/** An ended action never ends again: each command takes effect at most once. In the end none is pending. */
export function actions(stage: Stage): Capability {
  const { catalog, counters } = stage;
  const read = rowReader(ActionRow);

  function onRow({ key, before, after }: RowChange): void {
    if (!key.partition.startsWith('ACTION#')) return;
    if (after === undefined) violated(`${key.partition}: an action was deleted.`);
    const is = read(after);
    if (before === undefined) {
      counters.count(`decided ${is.type}: ${is.reason}`);
      return;
    }
    const was = read(before);
    if (was.state === is.state) return;
    counters.count(`action ${is.type}: ${was.state}→${is.state}`);
    if (is.receipt !== undefined) counters.count(`receipt ${is.type}: ${is.receipt.code}`);
    if (TERMINAL.has(was.state)) violated(`${key.partition} ended twice: ${was.state}→${is.state}.`);
  }

  function pending(): Action | undefined {
    for (const item of catalog.committed('ACTION#')) {
      const action = read(item);
      if (action.state === 'pending') return action;
    }
    return undefined;
  }

  return {
    onRow,
    /** The message of a move may have failed too often: then an alarm calls an operator, and the move goes on after all. */
    async atRest() {
      const left = pending();
      if (left?.type === 'transition') await redrive(stage, 'transition');
      return left === undefined;
    },
    async check() {
      const left = pending();
      if (left !== undefined) violated(`Action ${left.actionId} (${left.type}) never came to an end.`);
    },
  };
}
