/** The kinds of tests, each of which is a folder beside this file. */
export const PROJECTS = ['unit', 'handler', 'contract', 'infra', 'cli', 'agent', 'e2e', 'simulation'] as const;
export type Project = (typeof PROJECTS)[number];
