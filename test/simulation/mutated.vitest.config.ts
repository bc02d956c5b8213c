import { pathToFileURL } from 'node:url';
import { defineConfig } from 'vitest/config';
import { chosenMutant, mutatedSource } from './mutation.ts';

const mutant = chosenMutant();

/** The unit and contract tests over sources in which the mutant that STRATA_MUTANT names is edited while they are loaded. */
export default defineConfig({
  test: {
    projects: ['unit', 'contract'].map((name) => ({
      plugins: [
        {
          name: 'mutant',
          enforce: 'pre' as const,
          load: (id: string) => mutatedSource(mutant, pathToFileURL(id.replace(/\?.*$/, '')).href),
        },
      ],
      test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 120_000, hookTimeout: 120_000 },
    })),
  },
});
