import type { Command } from 'commander';
import { PRICE_LIST_ORIGIN } from '../../lib/pricing/index.ts';
import { type PlaneOptions, withPlane } from '../connection/connect.ts';
import { settingsOf } from '../connection/settings.ts';
import { print } from '../output.ts';

/** Adds `strata config`. */
export function registerConfig(program: Command): void {
  const config = program.command('config').description('what commands take from flags, the environment and files');
  withPlane(config.command('show').description('each setting and where its value comes from; asks no plane')).action(
    runShow,
  );
}

async function runShow(options: PlaneOptions): Promise<void> {
  print(options, {
    schema: 'strata.setting/v1',
    items: await settingsOf(options, process.env, PRICE_LIST_ORIGIN),
    id: ({ setting }) => setting,
    columns: [
      ['SETTING', ({ setting }) => setting],
      ['VALUE', ({ value }) => value ?? ''],
      ['SOURCE', ({ source }) => source],
      ['FROM', ({ from }) => from ?? ''],
      ['NOTE', ({ note }) => note ?? '', 'text'],
    ],
  });
}
