import { describe, expect, it } from 'vitest';
import { decideRetry } from '../../../functions/shared/decideRetry.ts';
import { ContractError, PortError } from '../../../lib/shared/errors.ts';
import { DurationMs, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';

const throttled = new PortError({ code: 'throttled', message: 'slow down', retryable: true });
const later = new PortError({
  code: 'unavailable',
  message: 'in a minute',
  retryable: true,
  retryAfter: DurationMs.parse(MINUTE_MS),
});
const unreadable = new ContractError({ code: 'invalid-message', message: 'no JSON', retryable: false });

const retry = (error: unknown, receiveCount: number, messageId = 'm') =>
  decideRetry({ error, messageId, receiveCount, maxReceiveCount: 5 });

describe('a failed message', () => {
  it.each([
    [1, 5],
    [2, 20],
    [3, 80],
    [4, 320],
  ])('comes again after its delivery %i in %i seconds, a quarter more at most', (receiveCount, seconds) => {
    for (let message = 0; message < 200; message += 1) {
      const pause = retry(throttled, receiveCount, `message ${message}`);
      expect(pause).toBeGreaterThanOrEqual(seconds);
      expect(pause).toBeLessThanOrEqual(Math.round(seconds * 1.25));
    }
  });

  it('outlives five minutes in which everything fails', () => {
    const pauses = [1, 2, 3, 4].map((receiveCount) => retry(new TypeError('broken'), receiveCount));
    expect(pauses.reduce((sum, pause) => sum + pause, 0) * SECOND_MS).toBeGreaterThan(5 * MINUTE_MS);
  });

  it('does not come in step with others', () => {
    const pauses = Array.from({ length: 100 }, (_, message) => retry(throttled, 4, `message ${message}`));
    expect(new Set(pauses).size).toBeGreaterThan(20);
  });

  it('waits as long as what refused it has asked for', () => {
    expect(retry(later, 1)).toBeGreaterThanOrEqual(60);
  });

  it('comes at once where waiting cannot help: unreadable, or dead after this delivery', () => {
    expect(retry(unreadable, 1)).toBe(0);
    expect(retry(throttled, 5)).toBe(0);
  });
});
