import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['unit', 'contract', 'handler', 'cli', 'infra', 'agent', 'e2e', 'simulation'].map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: name === 'unit' || name === 'handler' ? 20_000 : 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
