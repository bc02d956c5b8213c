import type { Upload } from '../catalog/index.ts';
import type { IngestCall } from './deps.ts';

export type Quarantine = NonNullable<Upload['quarantine']>;

export const IMMUTABLE: Quarantine = {
  reason: 'immutable-version',
  text: 'The version is published with other content; a version never changes.',
};

/** Tells of an upload that has just moved into quarantine; of any other nothing. */
export function reportQuarantine({ key, versionId, quarantine }: Upload, call: IngestCall): void {
  if (quarantine === undefined) return;
  const { reason, text } = quarantine;
  call.telemetry.metric('Quarantined', 'Count', 1, { reason });
  call.telemetry.warn('upload-quarantined', { key, versionId, reason, text });
}
