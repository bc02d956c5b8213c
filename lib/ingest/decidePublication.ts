import type { ReceivedSet, Upload, Version } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import { IMMUTABLE, type Quarantine } from './quarantine.ts';
import { misfit } from './setRules.ts';

export type PublicationDecision =
  /** The closed version holds the same bytes under the same name: nothing changes. */
  | { readonly action: 'unchanged' }
  | { readonly action: 'quarantine'; readonly quarantine: Quarantine }
  | { readonly action: 'publish-version' }
  /** The file waits for the rest of its set. */
  | { readonly action: 'join-set' };

export interface PublicationFacts {
  readonly upload: Pick<Upload, 'size' | 'set' | 'target'>;
  readonly digest: Digest;
  readonly version: Version | undefined;
  /** The received `strata.json` of the upload's set. */
  readonly set: ReceivedSet | undefined;
}

/** What becomes of an upload whose bytes are judged and known. */
export function decidePublication({ upload, digest, version, set }: PublicationFacts): PublicationDecision {
  const file = upload.target?.file ?? '';
  if (version !== undefined) {
    const same = version.files.some((published) => published.file === file && published.digest === digest);
    return same ? { action: 'unchanged' } : { action: 'quarantine', quarantine: IMMUTABLE };
  }
  if (upload.set === undefined) return { action: 'publish-version' };
  const quarantine = set === undefined ? undefined : misfit(set, { file, size: upload.size });
  return quarantine === undefined ? { action: 'join-set' } : { action: 'quarantine', quarantine };
}
