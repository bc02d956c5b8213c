import type * as z from 'zod/mini';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import { type Host, HostRow, type Versioned } from '../catalog/index.ts';
import type { Json } from '../shared/canonicalJson.ts';
import { Generation, HostId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import { FleetError } from './errors.ts';
import { hostKeyId, verifyEnvelope } from './signing.ts';

/** What every report of a host says of its sender. */
interface Report {
  readonly host: HostId;
  readonly generation: Generation;
  readonly [name: string]: Json | undefined;
}

export type OpenedReport<T> =
  | { readonly outcome: 'accepted'; readonly report: T; readonly host: Versioned<Host> }
  /** Of an older life of the host, or of a host that is no more: expected after every restart, and without effect. */
  | { readonly outcome: 'stale'; readonly reason: 'unknown-host' | 'stale-generation' };

/**
 * Believes a report only when the key of the host's current generation signed it and it names that host and generation.
 * Throws `FleetError` `forged-report` or `malformed-report` (final) for what no honest host can have sent.
 */
export async function openReport<T extends Report>(
  store: CatalogStore,
  envelope: SignedEnvelope,
  schema: z.ZodMiniType<T>,
): Promise<OpenedReport<T>> {
  const signer = signerOf(envelope.keyId);
  const host = await HostRow.get(store, signer.host);
  if (host === undefined) return { outcome: 'stale', reason: 'unknown-host' };
  if (signer.generation !== host.value.generation) return { outcome: 'stale', reason: 'stale-generation' };
  const key = { keyId: hostKeyId(host.value.id, host.value.generation), publicKey: host.value.publicKey };
  const opened = verifyEnvelope(envelope, schema, [key]);
  if (opened.outcome === 'refused') {
    const code = opened.reason === 'malformed' ? 'malformed-report' : 'forged-report';
    throw refuse(code, `A report in the name of ${envelope.keyId} is refused: ${opened.reason}.`);
  }
  const report = opened.value;
  if (report.host !== host.value.id || report.generation !== host.value.generation) {
    throw refuse('forged-report', `${envelope.keyId} signed a report in the name of ${report.host}.`);
  }
  return { outcome: 'accepted', report, host };
}

function signerOf(keyId: string): { readonly host: HostId; readonly generation: Generation } {
  const dot = keyId.lastIndexOf('.');
  const host = HostId.safeParse(keyId.slice(0, Math.max(0, dot)));
  const digits = keyId.slice(dot + 1);
  const generation = Generation.safeParse(/^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : undefined);
  if (!host.success || !generation.success) {
    throw refuse('malformed-report', `${keyId} names no host and generation.`);
  }
  return { host: host.data, generation: generation.data };
}

function refuse(code: 'forged-report' | 'malformed-report', message: string): FleetError {
  return new FleetError({
    code,
    message: `${message} Look for a misconfigured or hostile host; nothing of it was believed.`,
    retryable: false,
  });
}
