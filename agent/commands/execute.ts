import type { Command } from '../../events/host-command/v1.ts';
import type { Store } from '../nvme/store.ts';
import type { Heartbeats } from '../reports/heartbeats.ts';
import { drain } from './drain.ts';
import { evict } from './evict.ts';
import { pin } from './pin.ts';
import { prefetch } from './prefetch.ts';
import { report } from './report.ts';
import { resize } from './resize.ts';
import { type CommandResult, diskFailed } from './result.ts';
import { verify } from './verify.ts';

export interface ExecuteDeps {
  readonly store: Store;
  readonly heartbeats: Heartbeats;
  readonly repair: () => void;
}

/** Carries a command out; a broken disk is an end like others. `overtaken`: by a newer one about the same. */
export async function execute(deps: ExecuteDeps, command: Command, overtaken: () => boolean): Promise<CommandResult> {
  const blob = 'digest' in command ? deps.store.blob(command.digest) : undefined;
  try {
    return await executeOne(deps, command, overtaken);
  } catch (error) {
    return diskFailed(error, blob?.size ?? 0);
  }
}

function executeOne(
  { store, heartbeats, repair }: ExecuteDeps,
  command: Command,
  overtaken: () => boolean,
): Promise<CommandResult> {
  switch (command.type) {
    case 'prefetch':
      return prefetch(store.fills, command);
    case 'pin':
    case 'unpin':
      return pin(store, command, overtaken);
    case 'evict':
      return evict(store, command);
    case 'verify':
      return verify(store, command, repair);
    case 'drain':
      return drain(store);
    case 'resize':
      return resize(store, command);
    case 'report':
      return report(store, heartbeats);
  }
}

/** Reads or writes whole blobs, so it waits for a place among the few that do so at once. */
export function isLong(command: Command): boolean {
  return command.type === 'prefetch' || command.type === 'verify';
}

/** What a command is about, where a newer command about the same makes it pointless. */
export function subjectOf(command: Command): string | undefined {
  switch (command.type) {
    case 'prefetch':
    case 'evict':
      return `copy:${command.digest}`;
    case 'pin':
    case 'unpin':
      return `pin:${command.digest}`;
    case 'resize':
      return 'capacity';
    case 'verify':
    case 'drain':
    case 'report':
      return undefined;
  }
}
