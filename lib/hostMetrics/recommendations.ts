/** What to do about each kind of bottleneck. */
export const RECOMMENDATIONS = {
  'asks-fail':
    'See `fetches-fail` here, or the agent’s log: the plane or the origin may be out of reach, or there is no room.',
  'cache-too-small':
    'Give the cache more room (STRATA_CAPACITY, a further volume, an SSD tier in STRATA_VOLUMES), or send fewer different models to this host.',
  'fetches-retried':
    'Requests break off or are refused: look for `RangesTriedAgain` by kind in the agent’s log; spread reads over more prefixes where S3 says slow down.',
  'bandwidth-limited': 'Raise STRATA_BANDWIDTH, or prefetch outside the busy hours.',
  'disk-saturated':
    'Add an NVMe volume (STRATA_VOLUMES), limit fetches (STRATA_BANDWIDTH), or keep what else writes to this device off it.',
  'network-at-its-limit':
    'Take hosts with a faster line, prefetch outside the busy hours, or leave the rest to others by STRATA_BANDWIDTH.',
  'network-errors': 'Check cable, switch port and driver: `ip -s link` names the interface.',
  'cpu-busy': 'Take hosts with more processors, or move what else runs here: fetching and hashing wait for them too.',
  'cpu-stolen': 'Take an instance that is not burstable or shared, or replace this one.',
  'memory-short':
    'Give the host or its cgroup more memory, or run fewer processes: without a page cache every open reads the disk.',
  'memory-pressure': 'Give the host or its cgroup more memory, or run fewer processes.',
  'io-pressure': 'See which disk waits longest in `strata hosts HOST`; put the store on one that nothing else uses.',
  'gpu-hot': 'Check its cooling, or limit its power (`nvidia-smi --power-limit`): it slows down by itself soon.',
  'fetches-fail': 'See the agent’s log.',
} as const;

export type BottleneckKind = keyof typeof RECOMMENDATIONS;

export const VOLUME_FAILED = 'Replace or mount it, then restart the agent; `strata doctor --store` says what is wrong.';
