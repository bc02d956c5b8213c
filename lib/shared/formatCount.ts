/** As in `1 object` and `2 objects`, or `1 fetch` and `2 fetches`. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
