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

/** What `latest` means among published versions: deprecated ones count only where there is nothing else. */
export function newestSupported(
  versions: readonly { readonly version: SemVer; readonly deprecated: boolean }[],
): SemVer | undefined {
  const supported = versions.filter(({ deprecated }) => !deprecated);
  const [first, ...rest] = (supported.length > 0 ? supported : versions).map(({ version }) => version);
  return first === undefined ? undefined : newestVersion([first, ...rest]);
}
