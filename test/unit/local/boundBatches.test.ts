import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { boundBatches } from '../../../local/boundBatches.ts';

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

it('bounds what reads a queue on every page, and nothing else', async () => {
  const mapping = (id: string, service: string) => ({ UUID: id, EventSourceArn: `arn:aws:${service}:r:1:q` });
  const pages = new Map([
    ['', { EventSourceMappings: [mapping('a', 'sqs'), mapping('b', 'dynamodb')], NextMarker: 'b' }],
    ['b', { EventSourceMappings: [mapping('c', 'sqs')], NextMarker: null }],
  ]);
  const bounded: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (request.method === 'PUT') bounded.push(pathname.slice(pathname.lastIndexOf('/') + 1));
    const answer = request.method === 'PUT' ? {} : pages.get(searchParams.get('Marker') ?? '');
    response.end(JSON.stringify(answer));
  });
  ended.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await boundBatches(`http://127.0.0.1:${address.port}`);
  expect(bounded).toEqual(['a', 'c']);
});
