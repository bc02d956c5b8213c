import type { Agent } from '../../agent/agent.ts';
import { FIRST_VOLUME } from '../../agent/nvme/paths.ts';
import type { BlobEntry } from '../../agent/nvme/ledgerState.ts';
import type { HostId } from '../../lib/shared/ids.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import type { Faults } from './faults.ts';
import type { HostWatch } from './hostWatch.ts';
import { violated } from './invariants.ts';

/** Upkeeps that a blob may stay which could leave: one of them may meet it while it is being verified. */
const PATIENCE = 2;

/** The quota of a host's first volume, which an operator may lower below what lies there. It ends with the faults. */
export class Quota {
  private readonly host: HostId;
  private readonly watch: HostWatch;
  private readonly faults: Faults;
  private bytes: number | undefined;
  private overdue = 0;

  constructor(host: HostId, watch: HostWatch, faults: Faults) {
    this.host = host;
    this.watch = watch;
    this.faults = faults;
  }

  lower(bytes: number): void {
    this.bytes = bytes;
  }

  private now(): number | undefined {
    return this.faults.enabled ? this.bytes : undefined;
  }

  /** As the file system does: nothing above it is claimed. */
  async claim(path: string, bytes: number): Promise<void> {
    const quota = this.now();
    if (quota === undefined || path.startsWith('volumes/')) return;
    if ((await this.watch.bytesOnFirst()) + bytes > quota) throw new DiskError('no-space', `${path}: quota exceeded.`);
  }

  async limit(path: string | undefined, space: { readonly totalBytes: number; readonly freeBytes: number }) {
    const quota = this.now();
    if (quota === undefined || path?.startsWith('volumes/') === true) return space;
    const free = Math.max(0, quota - (await this.watch.bytesOnFirst()));
    return { totalBytes: quota, freeBytes: Math.min(space.freeBytes, free) };
  }

  /** Some upkeeps after it was lowered, nothing that may leave is left above it. */
  async checkMet(agent: Agent): Promise<void> {
    const quota = this.now();
    const over = quota !== undefined && (await this.watch.bytesOnFirst()) > quota;
    const left = [...agent.store.ledger.state.blobs.values()].find((blob) => mayLeave(agent, blob));
    this.overdue = over && left !== undefined ? this.overdue + 1 : 0;
    if (this.overdue > PATIENCE)
      violated(`${this.host}: ${left?.digest} stays, though the quota is ${quota} bytes and nobody holds it.`);
  }
}

function mayLeave(agent: Agent, { digest, volume, pinned, state }: BlobEntry): boolean {
  return volume === FIRST_VOLUME && state === 'resident' && !pinned && !agent.store.leases.protects(digest);
}
