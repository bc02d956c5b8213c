import { pathToFileURL } from 'node:url';
import type { VitestPluginContext } from 'vitest/node';
import { defineConfig } from 'vitest/config';
import { chosenMutant, mutatedSource } from './mutation.ts';

const mutant = chosenMutant();
const mutated = (id: string) => mutatedSource(mutant, pathToFileURL(id.replace(/\?.*$/, '')).href);

/** The unit and contract tests over sources in which the mutant that STRATA_MUTANT names is edited while they are loaded. */
export default defineConfig({
  test: {
    projects: ['unit', 'contract'].map((name) => ({
      plugins: [
        {
          name: 'mutant',
          enforce: 'pre' as const,
          load: mutated,
          // Kept on disk, an edit would still be there in the tests of the next mutant.
          configureVitest: ({ defineCacheKeyGenerator }: VitestPluginContext) =>
            defineCacheKeyGenerator(({ id }) => (mutated(id) === undefined ? undefined : false)),
        },
      ],
      test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 120_000, hookTimeout: 120_000 },
    })),
  },
});
