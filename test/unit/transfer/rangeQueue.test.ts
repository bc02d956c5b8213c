import { assert, constantFrom, array, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRangeQueue, type QueuedRange } from '../../../lib/adapters/transfer/rangeQueue.ts';

function world(limit: number) {
  const steps: string[] = [];
  const queue = createRangeQueue<QueuedRange>({
    start: ({ id }) => steps.push(`start ${id}`),
    suspend: ({ id }) => steps.push(`suspend ${id}`),
    resume: ({ id }) => steps.push(`resume ${id}`),
  });
  queue.limit(limit);
  return { steps, queue };
}

const range = (id: number, priority: number): QueuedRange => ({ id, priority });

describe('the queue of ranges', () => {
  it('starts as many as it may, the urgent ones first', () => {
    const { steps, queue } = world(0);
    const ranges = [range(1, 3), range(2, 2), range(3, 1), range(4, 2)];
    for (const one of ranges) queue.add(one);
    queue.limit(3);
    expect(steps).toEqual(['start 3', 'start 2', 'start 4']);
    expect(queue.waiting()).toBe(1);
  });

  it('suspends the least urgent and youngest for one that is more urgent, and resumes it afterwards', () => {
    const { steps, queue } = world(2);
    const [first, second, urgent] = [range(1, 2), range(2, 2), range(3, 1)];
    for (const one of [first, second, urgent]) queue.add(one);
    expect(steps).toEqual(['start 1', 'start 2', 'suspend 2']);
    queue.suspended(second);
    expect(steps.at(-1)).toBe('start 3');
    queue.ended(urgent);
    expect(steps.at(-1)).toBe('resume 2');
  });

  it('reads nothing else while there is a range that a process waits for, however much room is left', () => {
    const { steps, queue } = world(3);
    const [first, second, awaited, late] = [range(1, 1), range(2, 2), range(3, 0), range(4, 1)];
    for (const one of [first, second, awaited, late]) queue.add(one);
    expect(steps).toEqual(['start 1', 'start 2', 'start 3', 'suspend 1', 'suspend 2']);
    queue.suspended(second);
    queue.suspended(first);
    queue.limit(8);
    expect(steps).toHaveLength(5);
    queue.ended(awaited);
    expect(steps.slice(5)).toEqual(['resume 1', 'start 4', 'resume 2']);
  });

  it('suspends what is being read for a range that became urgent meanwhile', () => {
    const { steps, queue } = world(2);
    const hurried = { id: 1, priority: 2 };
    const other = range(2, 2);
    for (const one of [hurried, other, range(3, 2)]) queue.add(one);
    hurried.priority = 0;
    queue.limit(3);
    expect(steps).toEqual(['start 1', 'start 2', 'suspend 2']);
  });

  it('heeds a range that became urgent while it waited', () => {
    const { steps, queue } = world(1);
    const [running, waiting] = [range(1, 1), range(2, 1)];
    const hurried = { id: 3, priority: 1 };
    for (const one of [running, waiting, hurried]) queue.add(one);
    hurried.priority = 0;
    queue.ended(running);
    expect(steps).toEqual(['start 1', 'start 3']);
  });

  it('asks for no second suspension while one is under way for the same range', () => {
    const { steps, queue } = world(2);
    for (const one of [range(1, 2), range(2, 2), range(3, 1)]) queue.add(one);
    queue.limit(2);
    expect(steps.filter((step) => step.startsWith('suspend'))).toEqual(['suspend 2']);
  });

  it('goes on when a range that was to be suspended ends instead', () => {
    const { steps, queue } = world(1);
    const old = range(1, 2);
    queue.add(old);
    queue.add(range(2, 0));
    queue.ended(old);
    expect(steps).toEqual(['start 1', 'suspend 1', 'start 2']);
  });

  it('brings every range to its end within its limit, whatever comes when', () => {
    assert(
      property(array(constantFrom(0, 1, 2), { minLength: 1, maxLength: 30 }), (priorities) => {
        const running = new Set<QueuedRange>();
        const leaving: QueuedRange[] = [];
        const queue = createRangeQueue<QueuedRange>({
          start: (one) => running.add(one),
          suspend: (one) => leaving.push(one),
          resume: (one) => running.add(one),
        });
        queue.limit(3);
        let ended = 0;
        for (const [id, priority] of priorities.entries()) queue.add(range(id, priority));
        for (let turn = 0; turn < 1000 && ended < priorities.length; turn += 1) {
          const gone = leaving.shift();
          if (gone !== undefined && running.delete(gone)) queue.suspended(gone);
          expect(running.size).toBeLessThanOrEqual(3);
          const [done] = [...running].filter((one) => !leaving.includes(one));
          if (done === undefined) continue;
          running.delete(done);
          ended += 1;
          queue.ended(done);
        }
        expect(ended).toBe(priorities.length);
      }),
    );
  });
});
