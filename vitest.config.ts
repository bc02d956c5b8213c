import { defineConfig } from 'vitest/config';
import { PROJECTS } from './test/projects.ts';

export default defineConfig({
  test: {
    projects: PROJECTS.map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: name === 'unit' || name === 'handler' ? 20_000 : 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
