import type { HostId, HostPattern } from '../../lib/shared/ids.ts';
import type { Stage } from './stage.ts';

/** A host's agent as a real process with a disk of its own. */
export interface StageHost {
  /** The root of its store. */
  readonly data: string;
  /** Asks its local API for a model as an inference process does, and waits for the answer. */
  ask(reference: string): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Cuts it off at once, and resolves when the process is gone. */
  kill(): Promise<void>;
}

/** A stage to which hosts can come. A host that was killed comes again, on its old disk, when it is started again. */
export interface HostStage extends Stage {
  startHost(host: HostId): Promise<StageHost>;
  /** A token that registers one host of these names. */
  joinToken(hosts: HostPattern): Promise<string>;
  /** Where hosts register. */
  readonly planeUrl: string;
}
