import { PassThrough } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';
import { confirm } from '../../../cli/commands/mutation.ts';

afterEach(() => vi.restoreAllMocks());

/** What becomes of the question when these keys are pressed. */
async function answered(keys: string) {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(terminal as unknown as typeof process.stdin);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const asked = confirm('notes@1.0.0', 'Deletes it.').then(
    () => 'confirmed',
    (error: Error) => ('code' in error ? error.code : error.name),
  );
  setImmediate(() => terminal.write(keys));
  return { kill, outcome: () => asked };
}

it.each([
  ['the word', 'notes@1.0.0\r', 'confirmed'],
  ['another word', 'yes\r', 'not-confirmed'],
  ['Ctrl-D', '\u0004', 'not-confirmed'],
])('is answered by %s', async (_, keys, outcome) => {
  expect(await (await answered(keys)).outcome()).toBe(outcome);
});

it('is cancelled by Ctrl-C like everything else', async () => {
  const { kill } = await answered('\u0003');
  await expect.poll(() => kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
});
