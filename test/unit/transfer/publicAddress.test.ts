import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../lib/adapters/transfer/http/publicAddress.ts';

describe('an address', () => {
  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '192.169.0.1',
    '100.128.0.1',
    '2600:9000::1',
    '2606:4700:4700::1111',
    '::ffff:8.8.8.8',
  ])('of the internet: %s', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    '127.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2002:7f00:1::',
  ])('of none: %s', (address) => expect(isPublicAddress(address)).toBe(false));
});
