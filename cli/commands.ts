import type { Command } from 'commander';

/** One module of `commands/`: the names that it adds to the program, and how to have it. */
export interface CommandModule {
  readonly names: readonly string[];
  readonly load: () => Promise<(program: Command) => void>;
  /** It is about all the others, which it needs with it. */
  readonly ofAll?: true;
}

/** In the order in which help lists them. */
export const COMMAND_MODULES: readonly CommandModule[] = [
  { names: ['push'], load: async () => (await import('./commands/push.ts')).registerPush },
  { names: ['ls', 'show', 'explain'], load: async () => (await import('./commands/models.ts')).registerModels },
  {
    names: ['rm', 'undo', 'deleted', 'restore', 'hold', 'retain'],
    load: async () => (await import('./commands/lifecycle.ts')).registerLifecycle,
  },
  { names: ['quarantine', 'rescan'], load: async () => (await import('./commands/quarantine.ts')).registerQuarantine },
  { names: ['audit'], load: async () => (await import('./commands/audit.ts')).registerAudit },
  { names: ['hosts'], load: async () => (await import('./commands/hosts.ts')).registerHosts },
  { names: ['alias', 'deprecate'], load: async () => (await import('./commands/operate.ts')).registerOperate },
  { names: ['service-level'], load: async () => (await import('./commands/serviceLevel.ts')).registerServiceLevel },
  { names: ['dlq'], load: async () => (await import('./commands/deadLetters.ts')).registerDeadLetters },
  { names: ['token'], load: async () => (await import('./commands/tokens.ts')).registerTokens },
  { names: ['config'], load: async () => (await import('./commands/config.ts')).registerConfig },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).registerDoctor },
  { names: ['tune'], load: async () => (await import('./commands/tune.ts')).registerTune },
  { names: ['host'], load: async () => (await import('./commands/host.ts')).registerHost },
  { names: ['replay'], load: async () => (await import('./commands/replay.ts')).registerReplay },
  { names: ['simulate'], load: async () => (await import('./commands/simulate.ts')).registerSimulate },
  { names: ['prices'], load: async () => (await import('./commands/prices.ts')).registerPrices },
  { names: ['tiers'], load: async () => (await import('./commands/tiers.ts')).registerTiers },
  { names: ['plan', 'policy'], load: async () => (await import('./commands/plan.ts')).registerPlan },
  { names: ['sweeps'], load: async () => (await import('./commands/sweeps.ts')).registerSweeps },
  { names: ['costs', 'opportunities'], load: async () => (await import('./commands/costs.ts')).registerCosts },
  { names: ['scan'], load: async () => (await import('./commands/scan.ts')).registerScan },
  { names: ['fetch'], load: async () => (await import('./commands/fetch.ts')).registerFetch },
  { names: ['upload'], load: async () => (await import('./commands/upload.ts')).registerUpload },
  { names: ['compress', 'decompress'], load: async () => (await import('./commands/compress.ts')).registerCompress },
  {
    names: ['completion'],
    load: async () => (await import('./commands/completion.ts')).registerCompletion,
    ofAll: true,
  },
];

/** What the first argument names, so that a fetch does not wait for all that plans and scans; everything where it names none, as for help. */
export function modulesFor(first: string | undefined): readonly CommandModule[] {
  if (first === '--version' || first === '-V') return [];
  const named = COMMAND_MODULES.filter(({ names }) => names.some((name) => name === first));
  return named.length > 0 && !named.some(({ ofAll }) => ofAll) ? named : COMMAND_MODULES;
}
