import { describe, expect, it } from 'vitest';
import { createBufferReader, judgeHeader, judgeInSteps, type HeaderVerdict } from '../../../lib/scanning/index.ts';

const text = (value: string) => Buffer.from(value, 'latin1');

/** Lists of shared lists, so that a memo of an earlier window is needed in a later one. */
function longPickle(tail: string): Buffer {
  const opcodes = [text('\x80\x02]q\x00(U\x04os.xq\x01]q\x02')];
  for (let index = 0; index < 12_000; index += 1)
    opcodes.push(text('(h\x01h\x02G\x40\x09\x21\xfb\x54\x44\x2d\x18U\x03abct'));
  opcodes.push(text(`e${tail}`));
  return Buffer.concat(opcodes);
}

const FILES = {
  harmless: longPickle('.'),
  'two in a row': Buffer.concat([longPickle('.'), longPickle('.')]),
  'a call at the end': longPickle("0cos\nsystem\n(S'id'\ntR."),
  'a name from a memo of long ago': longPickle('0U\x02osq\x05U\x06systemq\x06h\x05h\x06\x93(U\x02idtR.'),
  'bytes behind the end': Buffer.concat([longPickle('.'), text('\xff\xff')]),
  'cut off': longPickle(''),
};

/** Judges with a pause in every window after the first, each step from what the last one saved. */
async function inSteps(bytes: Buffer): Promise<{ readonly verdict: HeaderVerdict; readonly steps: number }> {
  let progress: Uint8Array | undefined;
  for (let steps = 1; ; steps += 1) {
    let asked = 0;
    const pauseIsDue = () => (asked += 1) > 2;
    const step = await judgeInSteps(createBufferReader(bytes), { pauseIsDue, progress });
    if (step.outcome === 'judged') return { verdict: step.verdict, steps };
    progress = step.progress;
  }
}

describe('a judgement in steps', () => {
  it.each(Object.entries(FILES))('ends in the verdict of one step: %s', async (_name, bytes) => {
    const whole = await judgeHeader(createBufferReader(bytes));
    const { verdict, steps } = await inSteps(bytes);
    expect(steps).toBeGreaterThan(2);
    const { bytesRead: _1, requests: _2, ...told } = verdict;
    expect(whole).toMatchObject(told);
    expect(verdict.bytesRead).toBeGreaterThanOrEqual(whole.bytesRead);
  });

  it.each([
    ['of another size', (bytes: Uint8Array) => bytes, 1],
    ['that is damaged', (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1), 0],
    ['that is none', () => text('progress'), 0],
  ])('begins anew with a progress %s', async (_name, change, longer) => {
    let asked = 0;
    const bytes = longPickle('.');
    const first = await judgeInSteps(createBufferReader(bytes), { pauseIsDue: () => (asked += 1) > 2 });
    const progress = first.outcome === 'paused' ? change(first.progress) : undefined;
    const other = Buffer.concat([longPickle("0cos\nsystem\n(S'id'\ntR."), Buffer.alloc(longer, 0x2e)]);
    const step = await judgeInSteps(createBufferReader(other), { pauseIsDue: () => false, progress });
    expect(step).toMatchObject({ outcome: 'judged', verdict: { status: 'malicious' } });
  });
});
