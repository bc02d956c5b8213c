import { createHash } from 'node:crypto';
import { ALLOW_TABLES } from './pickle/allowList.ts';
import { RULES } from './rules.ts';

/** Grows whenever the code may give another verdict for the same bytes or name, beyond what the digest covers. */
const RULES_VERSION = 7;

/** Version and digest of what judges: rules and allow-list. A verdict of another rule set is due for a re-scan. */
export const RULE_SET: string = `${RULES_VERSION}-${createHash('sha256')
  .update(JSON.stringify(RULES))
  .update(ALLOW_TABLES)
  .digest('hex')
  .slice(0, 16)}`;
