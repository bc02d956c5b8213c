import { DAY_MS } from '../shared/units.ts';
import type { TierPolicy } from './tierTypes.ts';
import { formatCount } from '../shared/formatCount.ts';

/** The rules of a policy in words, in the order in which they are asked. */
export function describePolicy(policy: TierPolicy): readonly string[] {
  if (policy.kind === 'rules') {
    const { archiveAgeDays, classes, hotPerDay, newContentDays, warmAgeDays, warmPerDay } = policy;
    return [
      `younger than ${formatCount(newContentDays, 'day')}: ${classes.hot}`,
      `at least ${formatCount(hotPerDay, 'read')} a day over 30 days: ${classes.hot}`,
      `at least ${warmPerDay} a day, or younger than ${formatCount(warmAgeDays, 'day')}: ${classes.warm}`,
      `older than ${formatCount(archiveAgeDays, 'day')} and not read for ${warmAgeDays}: ${classes.archive}`,
      `everything else, and what was promised sooner than a restore ends: ${classes.cold}`,
      'a colder class waits until the minimum duration of the present one is over',
    ];
  }
  if (policy.kind === 'lifecycle') {
    const { classes, expires, rules } = policy;
    const archive = `${classes.archive} where every reader accepts a restore, else ${classes.instantArchive}`;
    return [
      `idle for more than ${formatCount(rules.deleteAfterIdleDays, 'day')} and read less than ${formatCount(rules.deleteBelowPerDay, 'time')} a day: ${archive}`,
      expires
        ? 'of that, what no alias, hold, promise, host or other version needs, and is not the newest: deleted with its version, undoable for a week'
        : 'nothing is deleted: nobody has allowed it (lifecycleDeletes)',
      `idle for more than ${formatCount(rules.coldAfterIdleDays, 'day')} and read less than ${formatCount(rules.coldBelowPerDay, 'time')} a day: ${classes.cold}`,
      `above ${rules.compressAboveBytes} bytes and packed below ${rules.compressBelowRatio} of them: packed where it lies`,
      'everything else stays; nothing leaves a class before its minimum duration is over',
    ];
  }
  const { allowance, horizonMs, knownHorizonMs } = policy;
  return [
    `the class with the least expected dollars up to the next read, at most ${horizonMs / DAY_MS} days ahead; ${knownHorizonMs / DAY_MS} where the reads are known`,
    'archive classes only where a service level lets readers wait for a restore',
    `on a learned forecast, out of Intelligent-Tiering only while the most that this can lose stays within ${100 * allowance} % of its bill`,
  ];
}
