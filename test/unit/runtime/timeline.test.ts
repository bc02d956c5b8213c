import { expect, it } from 'vitest';
import { createTimeline } from '../../../runtime/start/timeline.ts';

it('A timeline shows what a key would do to the terminal, each in one line', () => {
  const lines: string[] = [];
  createTimeline(
    (line) => lines.push(line),
    () => 0,
  ).tell('uploads/\u001b[2J\nx', 'quarantined', 'bad-key');
  expect(lines).toEqual(['   0.00 s  uploads/\uFFFD[2J\uFFFDx           quarantined  bad-key']);
});
