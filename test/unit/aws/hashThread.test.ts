import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { startHashThread } from '../../../lib/adapters/aws/hashThread.ts';

it('hashes parts where they lie, and answers each by its own', async () => {
  const hashes = startHashThread();
  const memory = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  const shared = new Uint8Array(new SharedArrayBuffer(memory.length));
  shared.set(memory);
  const cuts = [shared.subarray(0, 100_000), shared.subarray(100_000), shared.subarray(7, 7)];
  const answers = await Promise.all(cuts.map((cut) => hashes.sha256(cut)));
  expect(answers).toEqual(cuts.map((cut) => createHash('sha256').update(Buffer.from(cut)).digest('base64')));
  await hashes.close();
});

it('that has ended leaves nobody waiting', async () => {
  const hashes = startHashThread();
  const waiting = hashes.sha256(new Uint8Array(new SharedArrayBuffer(64 * 1024 * 1024)));
  const ended = expect(waiting).rejects.toThrow('has ended');
  await hashes.close();
  await ended;
  await expect(hashes.sha256(new Uint8Array(new SharedArrayBuffer(1)))).rejects.toThrow('has ended');
});
