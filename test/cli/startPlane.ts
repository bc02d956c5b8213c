import { createPinoLogger, createPinoTelemetry } from '../../lib/adapters/node/pinoTelemetry.ts';
import { type DataFolder, takeDataFolder } from '../../runtime/dataFolder.ts';
import { type EmbeddedRuntime, startEmbeddedRuntime } from '../../runtime/embeddedRuntime.ts';

export interface StartedPlane {
  readonly folder: DataFolder;
  readonly runtime: EmbeddedRuntime;
  readonly stop: () => Promise<void>;
}

/** The embedded runtime in a temporary folder of its own, which goes with it. */
export async function startPlane(): Promise<StartedPlane> {
  const folder = takeDataFolder(undefined);
  const telemetry = createPinoTelemetry(createPinoLogger({ level: 'warn', path: folder.at('logs', 'runtime.jsonl') }));
  const runtime = await startEmbeddedRuntime({ folder, port: 0, telemetry });
  return {
    folder,
    runtime,
    async stop() {
      await runtime.stop();
      folder.release();
    },
  };
}
