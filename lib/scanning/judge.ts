import { type Analysis, analyse } from './analysis/analysis.ts';
import { RefusedError, ScanningError } from './errors.ts';
import { findTemplateEscape } from './formats/chatTemplate.ts';
import { looksLikeGguf, readGguf } from './formats/gguf.ts';
import { looksLikeSafetensors, readSafetensors } from './formats/safetensors.ts';
import { createCountedReader, type RangedReader } from './rangedReader.ts';
import { RULE_SET } from './rules.ts';
import { Findings, type Format, type HeaderVerdict } from './verdict.ts';

export interface JudgeOptions {
  /** Bytes that may be read; above them the verdict is `unscanned`. Default 64 MiB. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const HEAD = 4_096;

/**
 * Judges one file from its content, never from its name: which format it is, whether it is well-formed, what loading it
 * would do. Reads through the port only, and keeps no state; the same bytes give the same verdict. What the bytes
 * contain never makes it reject: it rejects only with an error of the port itself, which the caller may retry.
 */
export async function judgeHeader(reader: RangedReader, options: JudgeOptions = {}): Promise<HeaderVerdict> {
  const counted = createCountedReader(reader, options.maxBytes ?? DEFAULT_MAX_BYTES);
  const findings = new Findings();
  const judged = await judgeFormat(counted, findings);
  return {
    status: findings.status,
    format: judged.format,
    reasons: findings.reasons,
    rules: RULE_SET,
    ...(judged.analysis === undefined ? {} : { analysis: judged.analysis }),
    bytesRead: counted.bytesRead,
    requests: counted.requests,
  };
}

interface Judged {
  readonly format: Format;
  readonly analysis?: Analysis;
}

async function judgeFormat(reader: RangedReader, findings: Findings): Promise<Judged> {
  if (reader.size === 0) {
    findings.report('file.empty', 'the file has no bytes');
    return { format: 'unknown' };
  }
  const head = await reader.read(0, Math.min(reader.size, HEAD));
  const format: Format = looksLikeGguf(head) ? 'gguf' : looksLikeSafetensors(head) ? 'safetensors' : 'unknown';
  try {
    const analysis = await readByFormat(format, reader, findings);
    return analysis === undefined ? { format } : { format, analysis };
  } catch (error) {
    reportError(error, findings);
    return { format };
  }
}

async function readByFormat(format: Format, reader: RangedReader, findings: Findings): Promise<Analysis | undefined> {
  switch (format) {
    case 'safetensors': {
      const { tensors, metadata } = await readSafetensors(reader);
      return analyse(tensors, metadata);
    }
    case 'gguf': {
      const { tensors, metadata, templates } = await readGguf(reader);
      for (const [key, template] of templates) {
        const escape = findTemplateEscape(template);
        if (escape !== undefined) findings.report('template.escape', `${key} ${escape}`);
      }
      return analyse(tensors, metadata);
    }
    default:
      findings.report('file.unknown-format', 'the content is of no format that the scanner reads');
      return undefined;
  }
}

/** Turns a refusal into a reason; what is not ours is the port's and goes to the caller. */
function reportError(error: unknown, findings: Findings): void {
  if (error instanceof RefusedError) findings.report(error.rule, error.message, error.offset);
  else if (error instanceof ScanningError && error.code === 'budget') findings.report('file.budget', error.message);
  else throw error;
}
