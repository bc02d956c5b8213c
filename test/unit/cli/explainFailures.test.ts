import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerModels } from '../../../cli/commands/models.ts';
import { hostFailureOf } from '../../../cli/hostFailures.ts';
import { ReceiptCode } from '../../../events/command-receipt/v1.ts';
import { type Action, ActionValue, recordedInputs } from '../../../lib/catalog/index.ts';
import { useCommands } from '../../support/commands.ts';

const AT = 1_795_176_000_000;
const DIGEST = 'ab'.repeat(32);

const actionOf = (over: object): Action =>
  ActionValue.parse({
    actionId: 'evict-1',
    type: 'evict',
    digest: DIGEST,
    host: { id: 'gpu-17', generation: 1 },
    state: 'failed',
    reason: 'operator',
    policy: 'operator',
    chosen: 'evict',
    alternatives: [],
    ...recordedInputs({}),
    decidedAt: AT,
    expiresAt: AT + 1000,
    correlationId: 'c',
    ...over,
  });
const ended = (code: string, text: string) => ({ outcome: { at: AT, code, text } });

const ACTIONS = [
  actionOf({
    actionId: 'fetch-3',
    type: 'prefetch',
    decidedAt: AT + 3,
    ...ended('denied', 'S3 answered\u001b[2J 403.'),
  }),
  actionOf({ actionId: 'pin-2', type: 'pin', decidedAt: AT + 3, state: 'done', ...ended('ok', 'as-measured') }),
  actionOf({ actionId: 'pin-1', type: 'pin', decidedAt: AT + 2, ...ended('not-resident', 'Nothing to pin.') }),
  actionOf({ actionId: 'report-1', type: 'verify', state: 'pending' }),
  actionOf({ actionId: 'evict-1', ...ended('pinned', 'The blob is pinned.') }),
];

let server: Server;
let plane: readonly string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const output = { uploads: [], actions: ACTIONS, older: false, texts: [], restored: [], deleted: true };
    request.resume().on('end', () => response.end(JSON.stringify({ ok: true, output })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});
afterAll(() => server.close());

const { strata, records } = useCommands(registerModels);

describe('strata explain', () => {
  it('says why the last command of a kind failed, and what to do', async () => {
    const text = await strata('explain', 'tiny', ...plane);
    expect(text.slice(text.indexOf('\n\n'))).toBe(`

prefetch of abababababab on gpu-17 failed (denied): S3 answered\uFFFD[2J 403.
  The origin is gone, or the host may not read it. If it stays so, check the role of hosts. The plane tries again by itself.

evict of abababababab on gpu-17 failed (pinned): The blob is pinned.
  Unpin it first: \`strata host unpin gpu-17 ${DIGEST}\`.
`);
  });

  it('has the same hints in its records', async () => {
    const actions = (await records('explain', 'tiny', ...plane)).filter(({ schema }) => schema === 'strata.action/v1');
    expect(actions.map(({ actionId, hint }) => [actionId, hint])).toEqual([
      ['fetch-3', expect.stringContaining('The plane tries again by itself.')],
      ['pin-2', undefined],
      ['pin-1', 'The host holds no copy of it: ask for it there first.'],
      ['report-1', undefined],
      ['evict-1', `Unpin it first: \`strata host unpin gpu-17 ${DIGEST}\`.`],
    ]);
  });
});

describe('the failure of a command', () => {
  it.each(ReceiptCode.options)('with code %s has a hint that names its host and blob', (code) => {
    const hint = hostFailureOf(actionOf(ended(code, 'x')))?.hint;
    expect(hint).toMatch(/\.$/);
    expect(hint).not.toMatch(/HOST|DIGEST/);
  });

  it('with a code of a later release is told without a hint', () => {
    expect(hostFailureOf(actionOf(ended('of-tomorrow', 'What it says.')))).toEqual({
      why: 'failed (of-tomorrow): What it says.',
    });
  });

  it.each([
    ['an eviction', { type: 'evict' }],
    ['what the host fetched by itself', { type: 'prefetch', receipt: { origin: 'local' } }],
  ])('is not said to be tried again of %s', (_, over) => {
    const action = { ...actionOf(ended('denied', 'x')), ...over } as Action;
    expect(hostFailureOf(action)?.hint).not.toContain('again by itself');
  });

  it('is none of what no host was commanded', () => {
    expect(hostFailureOf(actionOf({ type: 'transition', host: undefined, ...ended('leased', 'x') }))).toBeUndefined();
  });
});
