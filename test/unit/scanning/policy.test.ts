import { describe, expect, it } from 'vitest';
import { createBufferReader, decideScan, judgeHeader, type ScanPolicy } from '../../../lib/scanning/index.ts';
import { judgeBytes, safetensorsFile } from './build.ts';

const open: ScanPolicy = { allowSuspicious: false };
const clean = await judgeBytes(safetensorsFile('{"__metadata__":{"license":"MIT"}}'));
const suspicious = await judgeBytes(Buffer.from('\x80\x02cmymodel\nNet\n)\x81.', 'latin1'));
const malicious = await judgeBytes(Buffer.from("cos\nsystem\n(S'id'\ntR."));
const unscanned = await judgeBytes(Buffer.alloc(100, 1));
const invalid = await judgeBytes(safetensorsFile('{'));
const judged = (verdict: typeof clean) => ({ subject: 'd1', bytes: 100, verdict });

describe('what a verdict means', () => {
  it.each([
    ['clean', clean, open, 'serve', 'clean'],
    ['suspicious', suspicious, open, 'quarantine', 'suspicious'],
    ['suspicious but allowed', suspicious, { allowSuspicious: true }, 'serve', 'suspicious-allowed'],
    ['malicious', malicious, { allowSuspicious: true }, 'quarantine', 'malicious'],
    ['unscanned', unscanned, { allowSuspicious: true }, 'quarantine', 'unscanned'],
    ['invalid', invalid, { allowSuspicious: true }, 'quarantine', 'invalid'],
    ['of another format', clean, { ...open, formats: ['gguf' as const] }, 'quarantine', 'format'],
    ['of an allowed format', clean, { ...open, formats: ['safetensors' as const] }, 'serve', 'clean'],
    ['too large', clean, { ...open, maxBytes: 99 }, 'quarantine', 'size'],
    ['of another licence', clean, { ...open, licences: ['apache-2.0'] }, 'quarantine', 'licence'],
    ['of an allowed licence', clean, { ...open, licences: ['mit'] }, 'serve', 'clean'],
    ['without a licence', suspicious, { allowSuspicious: true, licences: ['mit'] }, 'quarantine', 'licence'],
  ])('a file that is %s', (_name, verdict, policy, action, reason) => {
    expect(decideScan(judged(verdict), policy)).toMatchObject({ action, reason });
  });
});

describe('an override', () => {
  const override = { subject: 'd1', rules: malicious.rules, by: 'ada', reason: 'read by hand' };

  it('serves the bytes and rules that it names', () => {
    expect(decideScan(judged(malicious), open, override)).toEqual({ action: 'serve', reason: 'overridden', by: 'ada' });
  });

  it.each([
    ['other bytes', { ...override, subject: 'd2' }],
    ['other rules', { ...override, rules: 'older' }],
    ['no reason', { ...override, reason: ' ' }],
  ])('does not hold for %s', (_name, changed) => {
    expect(decideScan(judged(malicious), open, changed)).toMatchObject({ action: 'quarantine' });
  });
});

describe('the port', () => {
  it('keeps its own errors, for the caller to retry', async () => {
    const broken = { ...createBufferReader(Buffer.alloc(10)), read: () => Promise.reject(new Error('throttled')) };
    await expect(judgeHeader(broken)).rejects.toThrow('throttled');
  });

  it.each([
    // 78 is an opcode of pickles as well, so that the search for one reads on.
    [
      'safetensors',
      safetensorsFile(`{"t":{"dtype":"U8","shape":[300000],"data_offsets":[0,300000]}}`.padEnd(78), 300_000),
    ],
    ['a pickle', Buffer.from(`\x80\x02](${'U\x08abcdefgh'.repeat(30_000)}e.`, 'latin1')],
    ['text', Buffer.from('plain text '.repeat(30_000))],
  ])('gives no verdict of %s of which any read failed', async (_format, bytes) => {
    const whole = createBufferReader(bytes);
    let reads = 0;
    const failingAt = (nth: number) => ({
      ...whole,
      read(offset: number, length: number) {
        reads += 1;
        return reads === nth ? Promise.reject(new Error('throttled')) : whole.read(offset, length);
      },
    });
    expect(await judgeHeader(failingAt(0))).toMatchObject({ status: 'clean' });
    const all = reads;
    expect(all).toBeGreaterThan(1);
    for (let nth = 1; nth <= all; nth += 1) {
      reads = 0;
      await expect(judgeHeader(failingAt(nth))).rejects.toThrow('throttled');
    }
  });

  it('may take only so long', async () => {
    const verdict = await judgeHeader(createBufferReader(Buffer.from('N.')), { expired: () => true });
    expect(verdict).toMatchObject({ status: 'unscanned', reasons: [{ rule: 'file.deadline' }] });
  });
});
