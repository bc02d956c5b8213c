import { describe, expect, it } from 'vitest';
import { NO_GROUP } from '../../../lib/caching/index.ts';
import { ObjectHistory } from '../../../lib/caching/strata/objectHistory.ts';
import { ReuseModel, SHORTEST_HORIZON } from '../../../lib/caching/strata/reuseModel.ts';

const SUBJECT = 1;
const OTHER = 2;
const NOISE = 0;
const SETTLED = 2 * SHORTEST_HORIZON;

/** A model with a ring of so many samples, fed one access at a time. */
function observer(samples: number) {
  const history = new ObjectHistory(3);
  const model = new ReuseModel(history, { objects: 3, samples });
  const access = (object: number, times = 1): void => {
    for (let time = 0; time < times; time += 1) {
      model.used(object);
      history.record({ object, bytes: 1e9, missCost: 1, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY });
    }
  };
  const labels = (): number[] => [...model.trainingSet().target];
  return { model, access, labels };
}

const usedAfter = (distance: number, horizon = SHORTEST_HORIZON): number => horizon / (horizon + distance);
const waitingSince = (age: number): number => SHORTEST_HORIZON / (SHORTEST_HORIZON + 3 * age);

describe('the samples that the reuse model learns from', () => {
  it('have no label before two horizons have passed, not even if they were used at once', () => {
    const { model, access, labels } = observer(8);
    model.sample(SUBJECT);
    access(SUBJECT);
    model.sample(OTHER);
    access(NOISE, SETTLED - 2);
    expect(labels()).toEqual([]);
    access(NOISE);
    expect(labels()).toEqual([usedAfter(1)]);
    access(NOISE);
    expect(labels()).toEqual([usedAfter(1), waitingSince(SETTLED)]);
  });

  it('are labelled each with its own distance to the next use, which later uses do not change', () => {
    const { model, access, labels } = observer(8);
    model.sample(SUBJECT);
    access(NOISE, 4);
    model.sample(SUBJECT);
    access(NOISE, 2);
    access(SUBJECT);
    access(SUBJECT);
    access(NOISE, SETTLED);
    expect(labels()).toEqual([usedAfter(7), usedAfter(3)]);
  });

  it('take what waits longer to be used later, and correct it at the use', () => {
    const { model, access, labels } = observer(8);
    model.sample(SUBJECT);
    access(NOISE, SETTLED + 10);
    expect(labels()).toEqual([waitingSince(SETTLED + 10)]);
    access(SUBJECT);
    expect(labels()).toEqual([usedAfter(SETTLED + 11)]);
  });

  it('give way to newer ones, to which a use of the old object means nothing', () => {
    const { model, access, labels } = observer(2);
    model.sample(SUBJECT);
    model.sample(SUBJECT);
    model.sample(OTHER);
    access(SUBJECT);
    access(NOISE, SETTLED);
    expect(labels()).toEqual([waitingSince(SETTLED + 1), usedAfter(1)]);
  });

  it('stay labelled once each where the ring comes round to the same object', () => {
    const { model, access, labels } = observer(2);
    for (let taken = 0; taken < 3; taken += 1) {
      model.sample(SUBJECT);
      access(NOISE);
    }
    access(SUBJECT);
    access(NOISE, SETTLED);
    expect(labels()).toEqual([usedAfter(2), usedAfter(3)]);
  });

  it('of an object whose number goes on to another one are not used by that', () => {
    const { model, access, labels } = observer(8);
    model.sample(SUBJECT);
    model.forget(SUBJECT);
    model.sample(SUBJECT);
    access(SUBJECT);
    access(NOISE, SETTLED);
    expect(labels()).toEqual([waitingSince(SETTLED + 1), usedAfter(1)]);
  });

  it('settle later and count later uses more under a longer horizon', () => {
    const { model, access, labels } = observer(8);
    model.lookAhead(64);
    model.sample(SUBJECT);
    access(SUBJECT);
    access(NOISE, 126);
    expect(labels()).toEqual([]);
    access(NOISE);
    expect(labels()).toEqual([usedAfter(1, 64)]);
  });
});
