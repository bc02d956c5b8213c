/** The kinds of tests, in the order in which `npm test` runs them. Each is a folder beside this file. */
export const PROJECTS = ['unit', 'handler', 'contract', 'infra', 'cli', 'agent', 'e2e', 'simulation'] as const;
