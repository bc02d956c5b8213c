import { defineConfig } from 'vitest/config';
import { PROJECTS } from './test/projects.ts';

/** Their files leave nothing behind, so that one process runs many of them and loads each module once. */
const IN_MEMORY: readonly string[] = ['unit', 'handler'];

export default defineConfig({
  test: {
    projects: PROJECTS.map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        isolate: !IN_MEMORY.includes(name),
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
