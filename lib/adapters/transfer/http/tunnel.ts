import { connect, type LookupFunction, type Socket } from 'node:net';
import { parseHead } from './responseHead.ts';

/** A socket through a proxy's CONNECT; `opened` is called when the proxy has agreed, `failed` when not. */
export function openTunnel(
  url: URL,
  proxy: URL,
  lookup: LookupFunction,
  failed: (error: Error) => void,
  opened: (through: Socket) => void,
): Socket {
  const tunnel = connect({ host: socketHost(proxy), port: portOf(proxy), lookup });
  const authority = `${url.hostname}:${portOf(url)}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...proxyAuthorization(proxy)];
  tunnel.write(`${lines.join('\r\n')}\r\n\r\n`);
  let head = Buffer.alloc(0);
  const onClose = () => failed(new Error(`The proxy ${proxy.host} closed the connection.`));
  const onData = (bytes: Buffer) => {
    head = Buffer.concat([head, bytes]);
    const parsed = parseHead(head);
    if (parsed.is === 'incomplete') return;
    tunnel.off('data', onData).off('close', onClose).off('error', failed);
    if (parsed.is === 'head' && parsed.head.status === 200) {
      opened(tunnel);
      return;
    }
    const answer = parsed.is === 'head' ? `HTTP ${parsed.head.status}` : parsed.why;
    tunnel.on('error', () => undefined);
    failed(new Error(`The proxy ${proxy.host} refused the connection: ${answer}`));
  };
  return tunnel.on('data', onData).on('close', onClose).on('error', failed);
}

/** Of the user in the proxy's URL, as a header line. */
export function proxyAuthorization(proxy: URL): readonly string[] {
  if (proxy.username === '') return [];
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return [`Proxy-Authorization: Basic ${Buffer.from(user).toString('base64')}`];
}

/** As sockets take it: an IPv6 address without its brackets. */
export function socketHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
