import type { Agent } from '../../agent/agent.ts';
import { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { canonicalJson } from '../../lib/shared/canonicalJson.ts';
import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import { type ActionId, Digest, type HostId } from '../../lib/shared/ids.ts';
import type { MemDisk } from '../support/memDisk.ts';
import { type Counters, violated } from './invariants.ts';
import type { Scheduler } from './scheduler.ts';

export interface HostWatchOptions {
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly partSize: number;
  /** Bytes that the host starts with for models. */
  readonly capacityBytes: number;
}

/** What must hold of one host: of each file that it publishes, serves or removes, and of what it reports. */
export class HostWatch {
  /** What inference processes hold leases on, as they were told. */
  readonly leased = new Map<string, { readonly digests: readonly Digest[]; readonly until: number }>();
  /** Files in which a bit flipped that no scrub has met yet. */
  readonly flipped = new Set<string>();
  private readonly host: HostId;
  private readonly disk: MemDisk;
  private readonly options: HostWatchOptions;
  private readonly effects = new Map<ActionId, string>();
  /** The newest receipt of a pin or an unpin of each blob that was not removed since. */
  private readonly pins = new Map<string, CommandReceipt>();

  constructor(host: HostId, disk: MemDisk, options: HostWatchOptions) {
    this.host = host;
    this.disk = disk;
    this.options = options;
  }

  async checkServed(digest: Digest): Promise<void> {
    const path = `blobs/${digest.slice(0, 2)}/${digest}`;
    if (this.flipped.has(path)) return;
    if ((await this.digestOnDisk(path)) !== digest)
      violated(`${this.host}: ${path} is served and is not what its name says.`);
  }

  async checkPublished(path: string): Promise<void> {
    this.flipped.delete(path);
    if ((await this.digestOnDisk(path)) !== nameOf(path))
      violated(`${this.host}: ${path} was published with other bytes than its name says.`);
    this.options.counters.count('published on a host');
  }

  /** What is leased or pinned is never evicted; what is broken may go. */
  checkRemoval(path: string, agent: Agent | undefined): void {
    if (!path.startsWith('blobs/')) return;
    const digest = nameOf(path);
    this.pins.delete(digest);
    if (this.flipped.has(path)) return;
    for (const { digests, until } of this.leased.values()) {
      if (until > this.options.scheduler.now && digests.some((one) => one === digest)) {
        violated(`${this.host}: ${path} was removed while an inference process holds a lease on it.`);
      }
    }
    for (const blob of agent?.store.ledger.state.blobs.values() ?? []) {
      if (blob.digest === digest && blob.pinned && blob.state === 'resident')
        violated(`${this.host}: ${path} was removed although it is pinned.`);
    }
  }

  /** Staging and stored files together stay within the capacity, to the page. */
  async checkBudget(agent: Agent | undefined): Promise<void> {
    let bytes = 0;
    let files = 0;
    for (const path of [...this.blobFiles(), ...this.files('staging/')]) {
      bytes += (await this.disk.stat(path))?.size ?? 0;
      files += 1;
    }
    const { capacityBytes } = this.options;
    const limit = agent?.store.ledger.state.capacityBytes ?? capacityBytes;
    if (bytes > Math.max(limit, capacityBytes)) {
      violated(`${this.host}: ${files} files of ${bytes} bytes exceed the capacity of ${limit} bytes.`);
    }
  }

  /** A command has one effect in a generation: whatever is said of it twice is the same receipt. */
  checkReport(body: string): void {
    const { payload } = SignedEnvelope.parse(JSON.parse(body));
    const receipt = CommandReceipt.safeParse(JSON.parse(payload)).data;
    if (receipt === undefined || receipt.outcome === 'refused') return;
    const { actionId, type, digest, outcome } = receipt;
    const text = canonicalJson(receipt);
    const before = this.effects.get(actionId);
    if (before !== undefined && before !== text) violated(`${this.host}: ${actionId} (${type}) took effect twice.`);
    this.effects.set(actionId, text);
    if ((type !== 'pin' && type !== 'unpin') || digest === undefined || outcome !== 'done') return;
    if ((this.pins.get(digest)?.finishedAt ?? 0) <= receipt.finishedAt) this.pins.set(digest, receipt);
  }

  /** In the end: what was pinned in this generation, and reported so, still is. */
  checkPins(agent: Agent | undefined): void {
    const { generation } = agent?.session.current() ?? {};
    for (const [digest, { type, generation: pinnedIn }] of this.pins) {
      const blob = [...(agent?.store.ledger.state.blobs.values() ?? [])].find((one) => one.digest === digest);
      if (type === 'pin' && pinnedIn === generation && blob?.pinned === false)
        violated(`${this.host}: ${digest} was pinned, and is not any more.`);
    }
  }

  /** The blobs on the disk that are whole, or were until a bit flipped that no scrub has met yet. */
  async residents(): Promise<ReadonlySet<Digest>> {
    const found = new Set<Digest>();
    for (const path of this.blobFiles()) {
      const digest = nameOf(path);
      if (this.flipped.has(path) || (await this.digestOnDisk(path)) === digest) found.add(Digest.parse(digest));
    }
    return found;
  }

  blobFiles(): string[] {
    return this.files('blobs/').filter((path) => path.split('/').length === 3);
  }

  private async digestOnDisk(path: string): Promise<string | undefined> {
    const size = (await this.disk.stat(path))?.size;
    if (size === undefined) return undefined;
    const { partSize } = this.options;
    const hashes = [];
    for (let offset = 0; offset < size; offset += partSize)
      hashes.push(partHash(await this.disk.read(path, offset, partSize)));
    return blobDigest(size, partSize, hashes);
  }

  private files(prefix: string): string[] {
    return this.disk
      .tree()
      .map((line) => line.split(' ')[0] ?? line)
      .filter((path) => path.startsWith(prefix) && !path.endsWith('/'));
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
