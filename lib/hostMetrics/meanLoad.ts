import type { DiskLoad, GpuLoad } from '../../events/host-heartbeat/metrics.ts';
import type { HostLoad, HostSample } from './sample.ts';

/** The load over several samples: means weighted by their time, sums of errors, and of memory and temperatures the last. */
export function meanLoad(samples: readonly HostSample[]): HostLoad {
  const last = samples.at(-1);
  if (last === undefined) return {};
  const cpu = mean(samples, ({ cpu }) => cpu, last.cpu, ['busy', 'iowait', 'stolen']);
  const network = mean(samples, ({ network }) => network, last.network, [
    'receivedBytesPerSecond',
    'sentBytesPerSecond',
  ]);
  const sum = (name: 'errors' | 'dropped') => samples.reduce((all, { network }) => all + (network?.[name] ?? 0), 0);
  const pressure = mean(samples, ({ pressure }) => pressure, last.pressure, ['cpu', 'io', 'memory']);
  const disks = last.disks?.map((disk) => diskOver(samples, disk));
  const gpus = last.gpus?.map((gpu) => gpuOver(samples, gpu));
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(last.memory === undefined ? {} : { memory: last.memory }),
    ...(pressure === undefined ? {} : { pressure }),
    ...(network === undefined ? {} : { network: { ...network, errors: sum('errors'), dropped: sum('dropped') } }),
    ...(disks === undefined ? {} : { disks }),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

function diskOver(samples: readonly HostSample[], last: DiskLoad): DiskLoad {
  const of = (sample: HostSample) => sample.disks?.find(({ volume }) => volume === last.volume);
  const { awaitMs: _, ...rest } = last;
  const averaged = mean(samples, of, rest, [
    'readBytesPerSecond',
    'writtenBytesPerSecond',
    'readsPerSecond',
    'writesPerSecond',
    'busy',
    'queued',
  ]);
  // Per request, not per second.
  let waited = 0;
  let requests = 0;
  for (const sample of samples) {
    const disk = of(sample);
    if (disk?.awaitMs === undefined) continue;
    const made = (disk.readsPerSecond + disk.writesPerSecond) * sample.seconds;
    requests += made;
    waited += disk.awaitMs * made;
  }
  return { ...rest, ...averaged, ...(requests === 0 ? {} : { awaitMs: waited / requests }) };
}

function gpuOver(samples: readonly HostSample[], last: GpuLoad): GpuLoad {
  const of = (sample: HostSample) => sample.gpus?.find(({ index }) => index === last.index);
  return { ...last, ...mean(samples, of, last, ['busy', 'watts']) };
}

/** `last` with these members averaged over the samples that have them. */
function mean<Part extends object>(
  samples: readonly HostSample[],
  partOf: (sample: HostSample) => Part | undefined,
  last: Part | undefined,
  names: readonly (keyof Part)[],
): Part | undefined {
  if (last === undefined) return undefined;
  const averaged = { ...last };
  for (const name of names) {
    let sum = 0;
    let seconds = 0;
    for (const sample of samples) {
      const value = partOf(sample)?.[name];
      if (typeof value !== 'number') continue;
      sum += value * sample.seconds;
      seconds += sample.seconds;
    }
    if (seconds > 0) Object.assign(averaged, { [name]: sum / seconds });
  }
  return averaged;
}
