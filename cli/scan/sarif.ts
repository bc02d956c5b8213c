import { RULE_SET, RULES, type Severity } from '../../lib/scanning/index.ts';
import type { ScanLine } from './scanFile.ts';

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  malicious: 'error',
  invalid: 'error',
  suspicious: 'warning',
  unscanned: 'warning',
};

/** SARIF 2.1.0, as code scanning services of CI systems read it. */
export function toSarif(lines: readonly ScanLine[]): string {
  const rules = Object.entries(RULES).map(([id, rule]) => ({
    id,
    defaultConfiguration: { level: LEVELS[rule.severity] },
    ...('fix' in rule ? { help: { text: rule.fix } } : {}),
  }));
  const severities = new Map(Object.entries(RULES).map(([id, { severity }]) => [id, severity]));
  const results = lines.flatMap(({ file, reasons }) =>
    reasons.map(({ rule, text, offset }) => ({
      ruleId: rule,
      level: LEVELS[severities.get(rule) ?? 'unscanned'],
      message: { text },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: encodeURI(file) },
            ...(offset === undefined ? {} : { region: { byteOffset: offset } }),
          },
        },
      ],
    })),
  );
  const driver = { name: 'strata scan', semanticVersion: '0.1.0', properties: { rules: RULE_SET }, rules };
  return `${JSON.stringify({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, results }],
  })}\n`;
}
