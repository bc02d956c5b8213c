import semver from 'semver';
import type { SemVer } from '../shared/ids.ts';

/**
 * The version that `latest` means: the highest that is no pre-release, and the highest pre-release only where there is
 * nothing else. Takes at least one version.
 */
export function newestVersion(versions: readonly [SemVer, ...SemVer[]]): SemVer {
  return versions.reduce((best, candidate) => {
    const bestIsPre = semver.prerelease(best) !== null;
    const candidateIsPre = semver.prerelease(candidate) !== null;
    if (bestIsPre !== candidateIsPre) return bestIsPre ? candidate : best;
    return semver.gt(candidate, best) ? candidate : best;
  });
}
