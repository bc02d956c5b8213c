/** A bounded number of reads at once; whoever waits is let in by priority (lower first) at that moment, then in order of asking. */
export interface ReadSlots {
  use<T>(priority: () => number, work: () => Promise<T>): Promise<T>;
}

export function createReadSlots(slots: number): ReadSlots {
  let free = slots;
  const waiting: { readonly priority: () => number; readonly enter: () => void }[] = [];

  async function enter(priority: () => number): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ priority, enter: resolve });
    await promise;
  }

  function leave(): void {
    let first = 0;
    for (const [at, one] of waiting.entries()) {
      if (one.priority() < (waiting[first]?.priority() ?? 0)) first = at;
    }
    const [next] = waiting.splice(first, 1);
    if (next === undefined) free += 1;
    else next.enter();
  }

  return {
    async use(priority, work) {
      await enter(priority);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
