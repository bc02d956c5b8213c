import { readFile } from 'node:fs/promises';
import { ContractError } from '../../lib/shared/errors.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { AgentSettings } from './config.ts';

type TokenSettings = Pick<AgentSettings, 'joinToken' | 'joinTokenFile'>;

/** Otherwise it registers by the IAM identity of its process. */
export function registersByToken({ joinToken, joinTokenFile }: TokenSettings): boolean {
  return joinToken !== undefined || joinTokenFile !== undefined;
}

/**
 * The token that the host may register by. A file that is gone is no failure: once registered a host goes on by its key, and
 * people delete what is worth nothing any more. Throws `ContractError` `invalid-config` for a file that cannot be read.
 */
export async function readJoinToken(settings: TokenSettings, telemetry: Telemetry): Promise<string | undefined> {
  const { joinToken, joinTokenFile } = settings;
  if (joinToken !== undefined || joinTokenFile === undefined) return joinToken;
  try {
    return (await readFile(joinTokenFile, 'utf8')).trim();
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const reason = error instanceof Error ? error.message : String(error);
    if (!missing) {
      const message = `--join-token-file: ${reason}. Let the agent's user read it.`;
      throw new ContractError({ code: 'invalid-config', message, retryable: false, cause: error });
    }
    telemetry.info('join-token-file-gone', { path: joinTokenFile, hint: 'A host that is registered needs none.' });
    return undefined;
  }
}
