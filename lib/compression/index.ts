export { measureCompressibility } from './measureCompressibility.ts';
