import { BlockList, isIPv6, type LookupFunction } from 'node:net';

/** A redirect led out of the internet into a network of its own: whoever answered must not choose what this machine asks there. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

/** Source: IANA's special-purpose address registries, those that are not globally reachable. */
const NOT_GLOBAL = {
  ipv4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    // Azure's: what describes an instance there, and configures it.
    '168.63.129.16/32',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '224.0.0.0/3',
  ],
  // An IPv4 address that is written as an IPv6 one is held against those above.
  ipv6: [
    '::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/32',
    '2002::/16',
    '5f00::/16',
    'fc00::/7',
    'fe80::/9',
    'ff00::/8',
  ],
} as const;

/** What a translator, as a NAT64 gateway, makes an IPv4 address of: in a network without IPv4 the internet's have these, too. */
const TRANSLATED = ['64:ff9b::', '::ffff:0:'];

const blocked = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const range of NOT_GLOBAL[family]) {
    const [network = '', prefix] = range.split('/');
    blocked.addSubnet(network, Number(prefix), family);
    if (family === 'ipv6') continue;
    for (const before of TRANSLATED) blocked.addSubnet(`${before}${network}`, 96 + Number(prefix), 'ipv6');
  }
}

/** Whether an address is one of the internet's: neither this machine, its network, nor what describes its instance. */
export function isPublicAddress(address: string): boolean {
  const [ip = ''] = address.split('%');
  return !blocked.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}

/** The same lookup, where one address that is not public is an error: what a name means is judged where it is connected to. */
export function publicLookup(lookup: LookupFunction, isPublic: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
      const inside = error === null ? addresses.find((address) => !isPublic(address)) : undefined;
      if (inside === undefined) callback(error, found, family);
      else callback(new PrivateAddressError(`${hostname} is ${inside}, which no redirect may lead to.`), []);
    });
  };
}
