import { declareFunction } from '../shared/declaration.ts';

export const hostApi = declareFunction({
  name: 'host-api',
  purpose: 'Registers hosts, renews their sessions and tells them which pinned objects a model reference means.',
  ifThisFails:
    'no host can join or restart, credentials run out within the hour, and models that a host does not hold are not found. What is cached keeps serving. See the function’s log by the request id that agents print.',
  triggers: [
    {
      kind: 'http',
      routes: [
        { method: 'POST', path: '/v1/hosts', auth: 'iam' },
        { method: 'POST', path: '/v1/hosts/join', auth: 'in-function' },
        { method: 'POST', path: '/v1/hosts/rejoin', auth: 'in-function' },
        { method: 'POST', path: '/v1/hosts/refresh', auth: 'in-function' },
        { method: 'POST', path: '/v1/resolve', auth: 'in-function' },
      ],
    },
  ],
  timeoutSeconds: 29,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write', 'command-key:read', 'manage:host-queues', 'host-credentials:issue'],
});
