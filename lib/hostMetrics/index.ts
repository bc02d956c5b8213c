export type { HostReading, HostReadings } from './counters.ts';
export { type Bottleneck, findBottlenecks, type HostRoom } from './findBottlenecks.ts';
export { type HealthStatus, judgeHealth } from './judgeHealth.ts';
export { meanLoad } from './meanLoad.ts';
export { GPU_QUERY, parseGpuLine } from './parseGpu.ts';
export {
  chooseInterfaces,
  deviceOf,
  parseDiskstats,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseStat,
} from './parseProc.ts';
export { type HostSample, sampleBetween } from './sample.ts';
export { type HostScore, scoreHost } from './scoreHost.ts';
export { addInto, createSketch, quantile, record, type Sketch } from './sketch.ts';
export { type TierRoom, tierRooms } from './tierRooms.ts';
