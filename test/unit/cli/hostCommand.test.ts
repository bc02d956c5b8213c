import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { registerHost } from '../../../cli/commands/host.ts';
import { useCommands } from '../../support/commands.ts';

const DIGEST = 'a'.repeat(64);
let server: Server;
let plane: readonly string[];

/** A plane with one version, which sends what it is told to. */
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const output = request.url?.endsWith('showVersion')
        ? {
            files: [
              {
                model: 'tiny',
                version: '1.0.0',
                file: 'tiny.gguf',
                role: 'weights',
                kind: 'llm',
                digest: DIGEST,
                size: 9,
                replicas: [],
              },
            ],
          }
        : { actionId: 'evict-1', host: 'gpu-a', type: 'evict' };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ok: true, output }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});

afterAll(() => server.close());

const { strata, told } = useCommands(registerHost);

it.each([
  [['evict', 'gpu-a', 'tiny@^1'], '`strata explain tiny@^1` shows whether it has'],
  [['evict', 'gpu-a', DIGEST], '`strata explain` of its model shows whether it has'],
  [['resize', 'gpu-a', '500GB'], '`strata hosts gpu-a` shows whether it has'],
])('strata host %j says where its end will be seen: what was sent is not done', async (args, text) => {
  await strata('host', ...args, ...plane);
  expect(told()).toContain(text);
  await strata('host', ...args, ...plane, '--dry-run');
  expect(told()).toBe('Nothing was sent (--dry-run).\n');
});
