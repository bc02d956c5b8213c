import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { registerModels } from '../../../cli/commands/models.ts';
import { useCommands } from '../../support/commands.ts';
import { onTerminal } from '../../support/onTerminal.ts';

const AT = 1_795_176_000_000;
const copyOn = (location: string) => ({
  location,
  state: 'verified',
  bytes: 6_938_078_334,
  pinned: false,
  checkedAt: AT,
});
const SHOWN = {
  model: { name: 'sdxl-base', newest: '1.0.0', versions: 1, updatedAt: AT },
  aliases: [],
  versions: [],
  files: [
    {
      model: 'sdxl-base',
      version: '1.0.0',
      file: 'sd_xl_base_1.0.safetensors',
      role: 'weights',
      kind: 'checkpoints',
      digest: 'ab'.repeat(32),
      size: 6_938_078_334,
      blob: { verdict: 'clean', format: 'safetensors', tier: 'hot', storageClass: 'STANDARD' },
      replicas: ['s3:us-east-1:STANDARD', 'nvme:gpu-17', 'nvme:gpu-18', 'nvme:gpu-19'].map(copyOn),
    },
  ],
};

let server: Server;
let plane: readonly string[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const output = request.url?.endsWith('showModel') ? SHOWN : { items: [] };
    request.resume().on('end', () => response.end(JSON.stringify({ ok: true, output })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});
afterAll(() => server.close());

const { strata, told } = useCommands(registerModels);

it('strata show names the kind of a file on a narrow terminal, too', async () => {
  const text = await onTerminal(80, () => strata('show', 'sdxl-base', ...plane));
  expect(text).toMatch(
    /^FILE +KIND +SIZE +VERDICT +COPIES\nsd_xl_base_1\.0\.safetensors +checkpoints +6\.46 GiB +clean +s3:us-e.*…\n/,
  );
  expect(told()).toBe('Too wide for this terminal: VERSION, DIGEST. Piped, or with --json, it is whole.\n');
});

it('strata show shortens the list of copies before it leaves anything out', async () => {
  const text = await onTerminal(130, () => strata('show', 'sdxl-base', ...plane));
  expect(text).toMatch(/^FILE +VERSION +KIND +SIZE +DIGEST +VERDICT +COPIES\n.* s3:us-east-1:STANDARD verified, .*…\n/);
  expect(told()).toBe('');
});
