/** Of the environment, as curl reads it: `http_proxy`, `HTTPS_PROXY` and so on; lower case comes first. */
export interface ProxySettings {
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly no: string | undefined;
}

export function proxySettings(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const either = (name: string) => environment[name] ?? environment[name.toUpperCase()];
  const all = either('all_proxy');
  // A CGI program gets HTTP_PROXY in capitals from a request's Proxy header: it is not believed there.
  const isCgi = environment['GATEWAY_INTERFACE'] !== undefined;
  return {
    http: (isCgi ? environment['http_proxy'] : either('http_proxy')) ?? all,
    https: either('https_proxy') ?? all,
    no: either('no_proxy'),
  };
}

/** The proxy for a URL, or none. A proxy without a scheme is an HTTP proxy. */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.https : settings.http;
  if (proxy === undefined || proxy === '' || isExempt(url, settings.no ?? '')) return undefined;
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
}

/** `NO_PROXY`: names with their subdomains, addresses, each with an optional port; `*` is everything. */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', wanted] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      const domain = name.replace(/^\*?\./, '');
      return (wanted === undefined || wanted === port) && (host === domain || host.endsWith(`.${domain}`));
    });
}
