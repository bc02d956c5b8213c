/** At most `width` pieces of work at once, in the order of asking. */
export interface Lane {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createLane(width: number): Lane {
  let free = width;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((enter) => waiting.push(enter));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
