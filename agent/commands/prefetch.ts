import type { CommandOf } from '../../events/host-command/v1.ts';
import type { Fills } from '../nvme/fills.ts';
import { type CommandResult, done, failed, leaked } from './result.ts';

export async function prefetch(fills: Fills, command: CommandOf<'prefetch'>): Promise<CommandResult> {
  const { digest, size, origin, entries } = command;
  const fill = await fills.fetch({ digest, size, origin, entries, priority: 1 });
  switch (fill.outcome) {
    case 'resident':
      return done(fill.fetched ? 'ok' : 'already-resident', fill);
    case 'failed':
      return fill.bytesAfter > 0 && fill.stays !== true
        ? leaked(`${fill.code}: ${fill.message}; what was staged could not be removed.`, fill)
        : failed(fill.code, fill.message, fill);
    case 'stopped':
      return { kind: 'stopped' };
  }
}
