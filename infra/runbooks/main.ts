import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FUNCTIONS } from '../../functions/index.ts';
import { runbookOf } from './runbook.ts';

// `npm run runbooks`: writes docs/runbooks/<function>.md from the declarations.
for (const declaration of FUNCTIONS) {
  writeFileSync(join(import.meta.dirname, '../../docs/runbooks', `${declaration.name}.md`), runbookOf(declaration));
}
