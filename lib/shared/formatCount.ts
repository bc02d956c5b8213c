/** As in `1 object` and `2 objects`, or `1 fetch` and `2 fetches`. */
export function formatCount(count: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${count} ${Number(count) === 1 ? noun : plural}`;
}
