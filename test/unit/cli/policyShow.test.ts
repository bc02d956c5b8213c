import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerPolicy } from '../../../cli/commands/policy.ts';
import { useCommands } from '../../support/commands.ts';

const AT = Date.UTC(2026, 10, 20);
const LOOKING = { inForce: 'rules', since: AT, wanted: 'dollars' };
const LOOK = { since: AT, parts: 16, of: 64, place: 0.254, endsAt: AT + 4 * 3_600_000 };

let server: Server;
let endpoint: string;
let shown: object;

beforeAll(async () => {
  server = createServer((_, response) => {
    response.end(JSON.stringify({ ok: true, output: { items: [shown] } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterAll(() => server.close());

describe('strata policy show', () => {
  const { strata } = useCommands((program) => registerPolicy(program.command('policy')));

  it.each([
    ['in force', { inForce: 'rules', since: AT }],
    ['the next sweep has it looked at', LOOKING],
    ['looked at 16 of 64 parts, 25 %, until about 2026-11-20T04:00Z', { ...LOOKING, look: LOOK }],
    [
      'looked at 64 of 64 parts: the next sweep decides',
      { ...LOOKING, look: { since: AT, parts: 64, of: 64, place: 1 } },
    ],
    [/refused .* ago; looked at 16 of 64 parts/, { ...LOOKING, look: LOOK, refusedAt: AT }],
    ['accepted by ada, from the next sweep on', { ...LOOKING, look: LOOK, acceptedBy: 'ada' }],
  ])('tells that a change is %s', async (text, policy) => {
    shown = policy;
    expect(await strata('policy', 'show', '--endpoint', endpoint)).toMatch(text);
  });
});
