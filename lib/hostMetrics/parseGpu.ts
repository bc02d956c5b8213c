import { GpuLoad } from '../../events/host-heartbeat/metrics.ts';
import { MIB } from '../shared/units.ts';

/** What `nvidia-smi --query-gpu` is asked for. The name comes last: it alone may have commas in it. */
export const GPU_QUERY = 'index,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,name';

/**
 * A line of `nvidia-smi --query-gpu=… --format=csv,noheader,nounits`: percent, MiB, degrees Celsius, watts. What a device does not
 * tell (`[N/A]`, `[Not Supported]`, `[Unknown Error]`) is absent; of a line that is no such line, undefined.
 */
export function parseGpuLine(line: string): GpuLoad | undefined {
  const fields = line.split(', ');
  const [index, busy, used, total, celsius, watts] = fields.slice(0, 6).map(valueOf);
  const name = fields.slice(6).join(', ').trim();
  if (fields.length < 7 || name === '' || index === undefined || busy === 'garbled' || used === 'garbled')
    return undefined;
  if (total === 'garbled' || celsius === 'garbled' || watts === 'garbled') return undefined;
  const parsed = GpuLoad.safeParse({
    index,
    name,
    ...(busy === undefined ? {} : { busy: busy / 100 }),
    ...(used === undefined ? {} : { memoryUsedBytes: used * MIB }),
    ...(total === undefined ? {} : { memoryTotalBytes: total * MIB }),
    ...(celsius === undefined ? {} : { celsius }),
    ...(watts === undefined ? {} : { watts }),
  });
  return parsed.data;
}

function valueOf(text: string): number | undefined | 'garbled' {
  if (/^(\[[A-Za-z/ ]+\]|N\/A)$/.test(text.trim())) return undefined;
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 'garbled';
}
