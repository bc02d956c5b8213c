/** Visits the items in their order, up to `parallel` at once; what a visit throws ends it all. */
export async function eachOf<T>(
  items: readonly T[],
  parallel: number,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await visit(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, waiting.length) }, worker));
}
