import type { Agent } from '../../agent/agent.ts';
import { blobPath, FIRST_VOLUME } from '../../agent/nvme/paths.ts';
import type { LedgerState } from '../../agent/nvme/ledgerState.ts';
import type { LedgerRecord } from '../../agent/nvme/records.ts';
import { PASSING } from '../../agent/repair.ts';
import { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { HostCommand } from '../../events/host-command/v1.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { canonicalJson } from '../../lib/shared/canonicalJson.ts';
import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import { type ActionId, Digest, type HostId, hostQueue, type VolumeName } from '../../lib/shared/ids.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { MemDisk } from '../support/memDisk.ts';
import { type Counters, violated } from './invariants.ts';
import type { Scheduler } from './scheduler.ts';

export interface HostWatchOptions {
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly partSize: number;
  /** Bytes that the host starts with for models. */
  readonly capacityBytes: number;
  /** Of its SSD volume. */
  readonly coldBytes: number;
}

const BLOB_FILE = /^(volumes\/[^/]+\/)?blobs\/..\/[^/]+$/;
const ON_FIRST = /^(blobs|staging)\/.*[^/]$/;
const ON_COLD = /^volumes\/cold\/(blobs|staging)\/.*[^/]$/;

/** What must hold of one host: of each file that it publishes, serves or removes, and of what it reports. */
export class HostWatch {
  /** What inference processes hold leases on, as they were told. */
  readonly leased = new Map<string, { readonly paths: readonly string[]; readonly until: number }>();
  /** Files in which a bit flipped that no scrub has met yet. */
  readonly flipped = new Set<string>();
  private readonly host: HostId;
  private readonly disk: MemDisk;
  private readonly options: HostWatchOptions;
  private readonly effects = new Map<ActionId, string>();
  /** The newest receipt of a pin or an unpin of each blob that was not removed since, or only to be fetched again. */
  private readonly pins = new Map<string, CommandReceipt>();
  /** Commands that came in this life of the agent, by the queue of the very host and generation that they name. */
  private readonly addressed = new Set<ActionId>();

  constructor(host: HostId, disk: MemDisk, options: HostWatchOptions) {
    this.host = host;
    this.disk = disk;
    this.options = options;
  }

  /** A new life of the agent begins: what the one before had in hand is forgotten. */
  begins(): void {
    this.addressed.clear();
  }

  /** Its disk is a new one. */
  forget(): void {
    this.pins.clear();
    this.flipped.clear();
  }

  delivered(queue: string, body: string): void {
    const { host, generation, actionId } = HostCommand.parse(
      JSON.parse(SignedEnvelope.parse(JSON.parse(body)).payload),
    );
    if (hostQueue(host, generation) === queue) this.addressed.add(actionId);
  }

  /** What the agent itself says that nobody can fetch again has lost its pin with its bytes. */
  listening(telemetry: Telemetry): Telemetry {
    return {
      ...telemetry,
      warn: (event, fields) => {
        const forGood = event === 'blob-not-repaired' && !PASSING.some((code) => code === fields?.['code']);
        if (forGood) this.pins.delete(String(fields?.['digest']));
        telemetry.warn(event, fields);
      },
    };
  }

  isPinned(path: string, agent: Agent | undefined): boolean {
    return [...(agent?.store.ledger.state.blobs.values() ?? [])].some(
      (one) => one.pinned && one.digest === nameOf(path),
    );
  }

  /** A line of the ledger before it is written: no more is reserved than there is, and nobody else's command took effect. */
  checkLedger(line: Uint8Array, agent: Agent | undefined): void {
    const text = Buffer.from(line).toString('utf8');
    if (agent === undefined || !/"is":"(reserved|moving|finished)"/.test(text)) return;
    const { state } = agent.store.ledger;
    const records: readonly LedgerRecord[] = JSON.parse(text.slice(text.indexOf(' ')));
    for (const record of records) {
      if (record.is === 'reserved' && !state.blobs.has(record.digest))
        this.checkReserved(state, record.volume ?? FIRST_VOLUME, record.size);
      if (record.is === 'moving') this.checkReserved(state, record.to, state.blobs.get(record.digest)?.size ?? 0);
      if (record.is === 'finished') this.checkAddressed(record.receipt);
    }
  }

  private checkReserved({ blobs, capacityBytes }: LedgerState, volume: VolumeName, size: number): void {
    let bytes = size;
    for (const blob of blobs.values()) if (blob.volume === volume || blob.also === volume) bytes += blob.size;
    const limit = volume === FIRST_VOLUME ? (capacityBytes ?? this.options.capacityBytes) : this.options.coldBytes;
    if (bytes > limit) violated(`${this.host}: ${bytes} bytes are reserved on ${volume}, of ${limit}.`);
  }

  private checkAddressed({ origin, outcome, actionId, type, generation }: CommandReceipt): void {
    if (origin !== 'command' || outcome === 'refused' || this.addressed.has(actionId)) return;
    violated(`${this.host}: ${actionId} (${type}) of generation ${generation} took effect, and was not sent to it.`);
  }

  async checkServed(path: string): Promise<void> {
    if (this.flipped.has(path)) return;
    if ((await this.digestOnDisk(path)) !== nameOf(path))
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
    if (!BLOB_FILE.test(path)) return;
    const digest = nameOf(path);
    for (const { paths, until } of this.leased.values()) {
      if (until > this.options.scheduler.now && paths.includes(path) && !this.flipped.has(path)) {
        violated(`${this.host}: ${path} was removed while an inference process holds a lease on it.`);
      }
    }
    // What a move leaves behind, or did not bring to its end, is not the blob.
    const entry = [...(agent?.store.ledger.state.blobs.values() ?? [])].find((blob) => blob.digest === digest);
    if (entry !== undefined && path !== blobPath(entry.digest, entry.volume)) return;
    // It is fetched again, with its pin.
    if (this.flipped.has(path)) return;
    this.pins.delete(digest);
    if (entry?.pinned === true && entry.state === 'resident')
      violated(`${this.host}: ${path} was removed although it is pinned.`);
  }

  /** Staging and stored files together stay within the capacity of each volume, to the page. */
  async checkBudget(agent: Agent | undefined): Promise<void> {
    const { capacityBytes, coldBytes } = this.options;
    const limit = agent?.store.ledger.state.capacityBytes ?? capacityBytes;
    const [first, cold] = [await this.bytesOf(ON_FIRST), await this.bytesOf(ON_COLD)];
    if (first > Math.max(limit, capacityBytes))
      violated(`${this.host}: ${first} bytes exceed the capacity of ${limit} bytes.`);
    if (cold > coldBytes) violated(`${this.host}: ${cold} bytes exceed the ${coldBytes} bytes of the SSD volume.`);
  }

  /** Taken on the first volume. */
  bytesOnFirst(): Promise<number> {
    return this.bytesOf(ON_FIRST);
  }

  /** A command has one effect in a generation: whatever is said of it twice is the same receipt. */
  checkReceipt(body: string): void {
    const receipt = CommandReceipt.parse(JSON.parse(SignedEnvelope.parse(JSON.parse(body)).payload));
    if (receipt.outcome === 'refused') return;
    const { actionId, type, digest, outcome } = receipt;
    const text = canonicalJson(receipt);
    const before = this.effects.get(actionId);
    if (before === undefined) this.checkDemotion(receipt);
    if (before !== undefined && before !== text) violated(`${this.host}: ${actionId} (${type}) took effect twice.`);
    this.effects.set(actionId, text);
    if ((type !== 'pin' && type !== 'unpin') || digest === undefined || outcome !== 'done') return;
    if ((this.pins.get(digest)?.finishedAt ?? 0) <= receipt.finishedAt) this.pins.set(digest, receipt);
  }

  /** A copy goes down to SSD where it saves more than its writing and what leaves for it, and only there. */
  private checkDemotion({ type, digest, demotion }: CommandReceipt): void {
    if (demotion === undefined) return;
    const { reason, missUsd, ssdUsd, useOdds, writeUsd, displacedUsd } = demotion;
    this.options.counters.count(`demotion: ${reason}`);
    const pays = useOdds * (missUsd - ssdUsd) > writeUsd + displacedUsd;
    if (type === 'demote' ? reason === 'no-origin' || (reason === 'pays' && pays) : reason !== 'costs-more' || !pays)
      return;
    violated(
      `${this.host}: ${digest} and its SSD: ${type}, because ${reason}; and that ${pays ? 'pays' : 'costs more'}.`,
    );
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
    return this.files(BLOB_FILE);
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

  private async bytesOf(pattern: RegExp): Promise<number> {
    let bytes = 0;
    for (const path of this.files(pattern)) bytes += (await this.disk.stat(path))?.size ?? 0;
    return bytes;
  }

  private files(pattern: RegExp): string[] {
    return this.disk
      .tree()
      .map((line) => line.split(' ')[0] ?? line)
      .filter((path) => pattern.test(path));
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
