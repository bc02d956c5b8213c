export interface QueuedRange {
  readonly id: number;
  /** May change while it waits or runs; the next step of any range heeds it. */
  readonly priority: number;
}

/** What the queue has done with its ranges. */
export interface RangeSteps<R extends QueuedRange> {
  start(range: R): void;
  /** Asks a running range to make room; `suspended` or `ended` follows. */
  suspend(range: R): void;
  resume(range: R): void;
}

/**
 * Which ranges are read and which wait: at most `limit` at once, those of lower priority numbers first, then in the order
 * in which they came. A range that waits suspends a running one of a higher number; and while there is one that a process waits
 * for, no other is read, since its last ranges would share the line with as many others as there are connections.
 */
export interface RangeQueue<R extends QueuedRange> {
  add(range: R): void;
  suspended(range: R): void;
  ended(range: R): void;
  limit(most: number): void;
  /** How many are not being read. */
  waiting(): number;
}

/** The priority of what an inference process waits for. */
const AWAITED = 0;

type State = 'waiting' | 'running' | 'suspending' | 'suspended';

export function createRangeQueue<R extends QueuedRange>(steps: RangeSteps<R>): RangeQueue<R> {
  const states = new Map<R, State>();
  let most = 1;
  let pumping = false;

  const inState = (...wanted: readonly State[]): R[] =>
    [...states].filter(([, state]) => wanted.includes(state)).map(([range]) => range);

  function pump(): void {
    // A step may end a range at once and come back here.
    if (pumping) return;
    pumping = true;
    const next = inState('waiting', 'suspended').filter(mayBeRead()).sort(byUrgency);
    let room = most - inState('running', 'suspending').length;
    for (const range of next) {
      if (room <= 0) break;
      room -= 1;
      const resumed = states.get(range) === 'suspended';
      states.set(range, 'running');
      if (resumed) steps.resume(range);
      else steps.start(range);
    }
    preempt();
    pumping = false;
  }

  function mayBeRead(): (range: R) => boolean {
    const awaited = [...states.keys()].some(({ priority }) => priority === AWAITED);
    return ({ priority }) => !awaited || priority === AWAITED;
  }

  function suspend(range: R): void {
    states.set(range, 'suspending');
    steps.suspend(range);
  }

  /** Whatever may not be read now; then one suspension for each waiting range that comes before a running one. */
  function preempt(): void {
    const may = mayBeRead();
    for (const range of inState('running')) if (!may(range)) suspend(range);
    const urgent = inState('waiting', 'suspended').filter(may).sort(byUrgency);
    const victims = inState('running').sort(byUrgency).reverse();
    // Those that are making room already are for the first who wait.
    for (const range of urgent.slice(inState('suspending').length)) {
      const victim = victims.shift();
      if (victim === undefined || victim.priority <= range.priority) return;
      suspend(victim);
    }
  }

  return {
    add(range) {
      states.set(range, 'waiting');
      pump();
    },
    suspended(range) {
      if (states.get(range) === 'suspending') states.set(range, 'suspended');
      pump();
    },
    ended(range) {
      states.delete(range);
      pump();
    },
    limit(next) {
      most = next;
      pump();
    },
    waiting: () => inState('waiting', 'suspended').length,
  };
}

function byUrgency(one: QueuedRange, other: QueuedRange): number {
  return one.priority - other.priority || one.id - other.id;
}
