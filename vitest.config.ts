import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { PROJECTS } from './test/projects.ts';

/** Their files leave nothing behind, so that one process runs many of them and loads each module once. */
const SHARING: readonly string[] = ['unit', 'handler', 'infra', 'contract', 'agent'];

/** Their tests start the same programs again and again. */
const STARTING: readonly string[] = ['unit', 'cli', 'agent', 'e2e'];

// Of every process that tests start: hundreds load the same modules, and compiling takes most of a start.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

export default defineConfig({
  test: {
    projects: PROJECTS.map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        ...(STARTING.includes(name) ? { globalSetup: 'test/support/builtPrograms.ts' } : {}),
        isolate: !SHARING.includes(name),
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // What comes some time later comes the later the less of the machine is left.
        expect: { poll: { timeout: 60_000 } },
        // Node reads TypeScript itself: the tests run what is deployed and started, without another transformation.
        experimental: { viteModuleRunner: false, nodeLoader: false },
      },
    })),
  },
});
