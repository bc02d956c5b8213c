import { createTransferEngine } from '../../lib/adapters/transfer/engine.ts';
import { type EngineConfig } from '../../lib/adapters/transfer/engineConfig.ts';
import { createEngineParts } from '../../lib/adapters/transfer/engineParts.ts';
import type { PartMover } from '../../lib/adapters/transfer/partMover.ts';
import { createPartsTransfer } from '../../lib/adapters/transfer/partsTransfer.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Transfer } from '../../lib/shared/ports/transfer.ts';
import type { PlanePorts } from './ports.ts';

export interface AgentTransfer {
  readonly transfer: Transfer;
  close(): Promise<void>;
}

/** The agent's transfers: bytes by the engine's threads, to where `fullPath` says that a path of `disk` lies. */
export function createAgentTransfer(
  wired: { readonly disk: Disk; readonly fullPath: (path: string) => string } & Pick<PlanePorts, 'blobRequest'>,
  config: Partial<EngineConfig>,
  wrap: (mover: PartMover) => PartMover,
): AgentTransfer {
  const engine = createTransferEngine(config);
  const mover = createEngineParts({
    engine,
    sourceOf: (source, size) => ({
      identity: { totalBytes: size },
      sign: (region) => wired.blobRequest(source, region),
    }),
    pathOf: wired.fullPath,
  });
  return { transfer: createPartsTransfer({ mover: wrap(mover), disk: wired.disk }), close: () => engine.close() };
}
