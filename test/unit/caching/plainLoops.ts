/** The same policies as straight loops, written only to be obviously right: the laboratory must agree with them. */

export interface PlainTrace {
  readonly object: ArrayLike<number>;
  readonly bytes: ArrayLike<number>;
  readonly length: number;
}

export function plainLruMisses(trace: PlainTrace, capacity: number): number {
  const resident = new Map<number, number>();
  let used = 0;
  let misses = 0;
  for (let row = 0; row < trace.length; row += 1) {
    const object = trace.object[row]!;
    const bytes = trace.bytes[row]!;
    const held = resident.get(object);
    if (held !== undefined) {
      resident.delete(object);
      resident.set(object, held);
      continue;
    }
    misses += 1;
    if (bytes > capacity) continue;
    for (const [oldest, size] of resident) {
      if (used + bytes <= capacity) break;
      resident.delete(oldest);
      used -= size;
    }
    resident.set(object, bytes);
    used += bytes;
  }
  return misses;
}

export function plainGdsfMisses(trace: PlainTrace, capacity: number): number {
  const resident = new Map<number, { bytes: number; frequency: number; priority: number; at: number }>();
  let clock = 0;
  let used = 0;
  let misses = 0;
  for (let row = 0; row < trace.length; row += 1) {
    const object = trace.object[row]!;
    const bytes = trace.bytes[row]!;
    const held = resident.get(object);
    if (held !== undefined) {
      held.frequency += 1;
      held.priority = clock + held.frequency / held.bytes;
      held.at = row;
      continue;
    }
    misses += 1;
    if (bytes > capacity) continue;
    while (used + bytes > capacity) {
      const [victim, lowest] = [...resident].reduce((best, entry) =>
        entry[1].priority < best[1].priority || (entry[1].priority === best[1].priority && entry[1].at < best[1].at)
          ? entry
          : best,
      );
      clock = lowest.priority;
      used -= lowest.bytes;
      resident.delete(victim);
    }
    resident.set(object, { bytes, frequency: 1, priority: clock + 1 / bytes, at: row });
    used += bytes;
  }
  return misses;
}
