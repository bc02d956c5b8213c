import { type Action, ActionRow, RestoreSpendingRow } from '../../../lib/catalog/index.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** Why restores begin that are counted; those that sweeps and plans want have budgets of their own. */
const COUNTED: ReadonlySet<string> = new Set(['read', 'operator', 'needed-sooner', 'expired-before-its-copy']);
const ROUNDING_USD = 1e-9;

/** Every restore that somebody asked for is counted in the write that begins it, and readers never spend more than they may. */
export function restoreBudgets({ counters, settings }: Stage): Capability {
  const [readAction, readSpending] = [rowReader(ActionRow), rowReader(RestoreSpendingRow)];
  const uncounted: Action[] = [];

  function onAction({ before, after }: RowChange): void {
    if (before !== undefined || after === undefined) return;
    const action = readAction(after);
    if (action.type === 'restore' && COUNTED.has(action.reason)) uncounted.push(action);
  }

  function feeOf({ alternatives, chosen }: Action): number {
    return alternatives.find(({ action }) => action === chosen)?.parts?.['fee'] ?? 0;
  }

  function onSpending({ before, after }: RowChange): void {
    if (after === undefined) violated('What restores have cost was forgotten.');
    const is = readSpending(after);
    const was = before === undefined ? { day: 0, hour: 0, usd: 0, restores: 0 } : readSpending(before);
    if (is.day < was.day || is.hour < was.hour) violated('A day of restores began anew.');
    const begun = uncounted.splice(0);
    const [first] = begun;
    if (first === undefined) violated('A restore was counted that nobody began.');
    const fees = begun.reduce((sum, action) => sum + feeOf(action), 0);
    const usd = (is.day === was.day ? was.usd : 0) + fees;
    if (Math.abs(is.usd - usd) > ROUNDING_USD)
      violated(`${first.actionId} and what began with it cost ${fees}, and ${is.usd - was.usd} is counted.`);
    if (is.restores !== (is.hour === was.hour ? was.restores : 0) + begun.length)
      violated(`${first.actionId} and what began with it are not counted once each.`);
    for (const { reason } of begun) counters.count(`restores counted: ${reason}`);
    if (!begun.some(({ reason }) => reason === 'read')) return;
    if (is.usd > settings.restoreBudgetUsdPerDay) violated(`Readers spend ${is.usd} on restores in a day.`);
    if (is.restores > settings.restoresPerHour) violated(`Readers begin ${is.restores} restores in an hour.`);
  }

  return {
    onRow(change) {
      const { partition } = change.key;
      if (partition.startsWith('ACTION#')) onAction(change);
      else if (partition === 'RESTORESPENDING') onSpending(change);
    },
    async check() {
      if (uncounted.length > 0) violated(`${uncounted[0]?.actionId} was never counted.`);
    },
  };
}
