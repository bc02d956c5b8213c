import { createHash } from 'node:crypto';

export type Severity = 'suspicious' | 'unscanned' | 'invalid' | 'malicious';

export interface Rule {
  readonly severity: Severity;
  /** What an operator or an author can do about it. */
  readonly fix?: string;
}

const CONVERT = 'Convert the weights to safetensors on a machine that may be lost, and upload that file.';
const REWRITE = 'Write the file again with the current version of the library that made it.';

/** Every rule that a verdict can name. Ids are append-only: reports, policies and SARIF consumers refer to them. */
export const RULES = {
  'file.empty': { severity: 'invalid' },
  'file.unknown-format': {
    severity: 'unscanned',
    fix: 'Upload one of the supported formats; see lib/scanning/README.md.',
  },
  'file.unsupported': { severity: 'unscanned', fix: CONVERT },
  'file.too-large': { severity: 'unscanned', fix: CONVERT },
  'file.budget': { severity: 'unscanned', fix: 'Scan again with a larger budget.' },
  'file.deadline': { severity: 'unscanned', fix: 'Scan again with a later deadline.' },
  'file.scanner-error': { severity: 'unscanned', fix: 'Report the file: the scanner must not fail on any input.' },
  'polyglot.second-format': { severity: 'malicious', fix: REWRITE },
  'safetensors.header': { severity: 'invalid', fix: REWRITE },
  'safetensors.tensor': { severity: 'invalid', fix: REWRITE },
  'safetensors.layout': { severity: 'invalid', fix: REWRITE },
  'gguf.header': { severity: 'invalid', fix: REWRITE },
  'gguf.metadata': { severity: 'invalid', fix: REWRITE },
  'gguf.tensor': { severity: 'invalid', fix: REWRITE },
  'gguf.layout': { severity: 'invalid', fix: REWRITE },
  'gguf.version': { severity: 'unscanned', fix: 'Convert the file to GGUF version 3, little endian.' },
  'template.escape': { severity: 'malicious', fix: 'Replace the chat template by the one of the original model.' },
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof RULES;

/** Grows whenever a verdict may change for the same bytes. */
const RULES_VERSION = 1;

/** Version and digest of what judges: two builds with the same text give the same verdicts by the same rules. */
export const RULE_SET: string = `${RULES_VERSION}-${createHash('sha256').update(JSON.stringify(RULES)).digest('hex').slice(0, 16)}`;
