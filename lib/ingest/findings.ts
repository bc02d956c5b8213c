import type { HeaderFindings, VerdictStatus } from '../catalog/index.ts';
import { type HeaderVerdict, judgeHeader, type RangedReader } from '../scanning/index.ts';
import { ModelKind } from '../shared/ids.ts';
import type { ObjectReader } from '../shared/ports/objectStore.ts';
import type { Quarantine } from './quarantine.ts';

/** The header verdict reads no more than this of an upload. */
const HEADER_BYTES = 2_000_000;

/** The pinned version went away, or its class cannot be read. */
export class UnreadableUpload extends Error {
  override readonly name = 'UnreadableUpload';
  readonly outcome: 'absent' | 'archived';
  constructor(outcome: UnreadableUpload['outcome']) {
    super(`the object is ${outcome}`);
    this.outcome = outcome;
  }
}

/** Judges the header of one pinned version. Throws `UnreadableUpload`, or the store's retryable errors. */
export async function judgePinned(
  objects: ObjectReader,
  pinned: { readonly key: string; readonly versionId: string; readonly size: number },
): Promise<HeaderFindings> {
  const reader: RangedReader = {
    size: pinned.size,
    async read(offset, length) {
      const answer = await objects.readRange(pinned.key, pinned.versionId, offset, length);
      if (answer.outcome !== 'read') throw new UnreadableUpload(answer.outcome);
      return answer.bytes;
    },
  };
  return findingsOf(await judgeHeader(reader, { maxBytes: HEADER_BYTES }));
}

function findingsOf(verdict: HeaderVerdict): HeaderFindings {
  const { status, rules, format, reasons, analysis } = verdict;
  return {
    status,
    rules,
    format,
    kind: ModelKind.safeParse(analysis?.kind).data ?? 'other',
    reasons: reasons.map((reason) => ({ ...reason })),
    ...(analysis === undefined
      ? {}
      : {
          tensors: analysis.tensorCount,
          parameters: analysis.parameters,
          family: analysis.family,
          dtypes: Object.fromEntries(analysis.dtypes.map(({ dtype, bytes }) => [dtype, bytes])),
          ...(analysis.licence === undefined ? {} : { licence: analysis.licence }),
        }),
  };
}

const QUARANTINE_REASONS: Readonly<Record<VerdictStatus, Quarantine['reason'] | undefined>> = {
  clean: undefined,
  invalid: 'invalid-format',
  malicious: 'malicious',
  suspicious: 'suspicious',
  unscanned: 'unscannable',
};

/** Only what is clean may be served; everything else stays where no host reads, with the reason. */
export function quarantineOf(findings: HeaderFindings): Quarantine | undefined {
  const [first] = findings.reasons;
  const text = first === undefined ? findings.status : `${first.rule}: ${first.text}`;
  const reason = QUARANTINE_REASONS[findings.status];
  return reason === undefined ? undefined : { reason, text };
}
