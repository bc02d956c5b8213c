import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../agent/wiring/config.ts';

const settings = (...more: readonly string[]) =>
  parseSettings(['--plane', 'http://127.0.0.1:7400', '--host', 'gpu-a', '--data', '/data', ...more], {});

describe('the settings of an agent', () => {
  it('label the host by the GPU that it says it has, unless a label says otherwise', () => {
    expect(settings('--gpu', 'L4', '--labels', 'pool=images')).toMatchObject({
      gpu: 'L4',
      labels: { gpu: 'L4', pool: 'images' },
    });
    expect(settings('--gpu', 'L4', '--labels', 'gpu=A100').labels).toEqual({ gpu: 'A100' });
    expect(settings()).toMatchObject({ gpu: 'H100', labels: {} });
  });

  it('say what a plane is called by', () => {
    expect(() => settings('--plane', '10.0.0.1:7410')).toThrow('--plane: must be an http:// or https:// URL');
  });

  it('take what wears an SSD off in dollars, and nothing else', () => {
    expect(settings().ssdWearUsdPerTb).toBe(0.1);
    expect(settings('--ssd-wear', '0').ssdWearUsdPerTb).toBe(0);
    for (const text of ['-1', 'free', ' ', 'Infinity']) {
      expect(() => settings(`--ssd-wear=${text}`)).toThrow('--ssd-wear: an amount in dollars');
    }
  });
});
