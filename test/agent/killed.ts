import { expect } from 'vitest';
import {
  type AgentOptions,
  type AgentProcess,
  bytesTaken,
  digestOf,
  type HostBlob,
  type HostWorld,
  kill,
  recordedParts,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';

/** What must hold at any moment, seen from outside: no partial blob under a blob's name, and the budget. */
export async function checkDisk(data: string, blob: HostBlob, capacityBytes: number): Promise<void> {
  for (const { name, size } of await visibleBlobs(data)) {
    expect(name).toBe(blob.digest);
    expect(size).toBe(blob.size);
  }
  expect(await bytesTaken(data)).toBeLessThanOrEqual(capacityBytes);
}

/** Watches the disk until `done`; a violation is thrown at once. */
export async function watchDisk(
  data: string,
  blob: HostBlob,
  capacityBytes: number,
  done: () => boolean,
): Promise<void> {
  while (!done()) {
    await checkDisk(data, blob, capacityBytes);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await checkDisk(data, blob, capacityBytes);
}

export interface SecondLife {
  /** Bytes that the second life read from the origin. */
  readonly bytesRead: number;
  /** Parts that the first life had staged. */
  readonly staged: number;
}

/**
 * Starts the agent again and expects the one command to end, once, with the whole blob, and no part to be fetched again that was
 * staged already. What else is fetched twice depends on how busy the machine is: connections that fall silent are exchanged.
 */
export async function expectRecovery(world: HostWorld, blob: HostBlob, options: AgentOptions): Promise<SecondLife> {
  const before = world.counters.bytesServed;
  const asked = world.reads.length;
  const staged = await recordedParts(options.data);
  const agent = startAgent(world, options);
  const host = world.hostOf(options.data);
  // A host of an earlier test may have sent its receipt twice, since it died before it wrote down that it was sent.
  const receipt = await until('the receipt', async () => (await world.receipts()).findLast((one) => one.host === host));
  expect(receipt).toMatchObject({ type: 'prefetch', outcome: 'done', measured: { bytesAfter: blob.size } });
  const [visible, ...others] = await visibleBlobs(options.data);
  expect(others).toEqual([]);
  expect(await digestOf(visible?.path ?? '', world.partSize)).toBe(blob.digest);
  await stopped(agent);
  expect(world.reads.slice(asked).filter((range) => touches(range, staged, world.partSize))).toEqual([]);
  return { bytesRead: world.counters.bytesServed - before, staged: staged.size };
}

function touches(
  { offset, length }: HostWorld['reads'][number],
  parts: ReadonlySet<number>,
  partSize: number,
): boolean {
  const [first, last] = [Math.floor(offset / partSize), Math.floor((offset + length - 1) / partSize)];
  return Array.from({ length: last - first + 1 }, (_, at) => first + at).some((part) => parts.has(part));
}

/** Ends an agent as a supervisor does and expects it to go quietly. */
export async function stopped(agent: AgentProcess): Promise<void> {
  // Before that it does not listen to signals yet.
  await agent.ready;
  agent.child.kill('SIGTERM');
  expect(await agent.exited).toEqual({ code: 0, signal: null });
}

/** Kills the agent when this share of the blob was served and answers the share at which it really died. */
export async function killAt(
  world: HostWorld,
  blob: HostBlob,
  options: AgentOptions,
  share: number,
  capacityBytes: number,
): Promise<number> {
  const before = world.counters.bytesServed;
  const served = () => (world.counters.bytesServed - before) / blob.size;
  const agent = startAgent(world, options);
  await world.prefetch(blob);
  let dead = false;
  const watching = watchDisk(options.data, blob, capacityBytes, () => dead);
  // The last parts are served within a tenth of a second.
  await until(`${share} of the blob`, () => (served() >= share ? true : undefined), undefined, 5);
  await kill(agent);
  const diedAt = served();
  dead = true;
  await watching;
  return diedAt;
}
