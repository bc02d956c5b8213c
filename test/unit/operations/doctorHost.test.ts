import { describe, expect, it } from 'vitest';
import { type HostFacts, judgeHost } from '../../../lib/operations/index.ts';
import { GIB, MIB } from '../../../lib/shared/units.ts';

const measured = <T>(value: T) => ({ outcome: 'measured', value }) as const;
const failed = { outcome: 'failed', message: 'ENOENT: it is not there' } as const;

const problem = (code: string) => ({ code, title: 'Not so.', hint: 'Do it otherwise.' });
const answers = (status: number, code?: string, aheadMs = 0) =>
  measured({ status, wallMs: 9, aheadMs, ...(code === undefined ? {} : { problem: problem(code) }) });

const HEALTHY: HostFacts = {
  user: { uid: 998, nodeVersion: 'v24.21.0' },
  folder: measured({ mode: 0o755, owner: 998, kind: 'directory' }),
  fileSystem: measured('xfs'),
  space: measured({ totalBytes: 2000 * GIB, freeBytes: 300 * GIB }),
  directIo: measured(true),
  fsync: measured({ medianMs: 0.2, p99Ms: 3 }),
  plane: measured({ status: 400, wallMs: 12, aheadMs: 300, problem: problem('bad-request') }),
  registration: measured({ by: 'token', host: 'gpu-17' }),
  objects: measured({ status: 403, wallMs: 30 }),
  openFiles: measured(65_536),
  memoryLimitBytes: undefined,
  tuning: measured([]),
  agent: measured('ready'),
};

const failing = (facts: Partial<HostFacts>) =>
  judgeHost({ ...HEALTHY, ...facts })
    .filter(({ status }) => status === 'FAILED')
    .map(({ check }) => check);

describe('the doctor of a host', () => {
  it('passes a healthy one, whether its agent runs or is not started yet', () => {
    expect(failing({})).toEqual([]);
    expect(failing({ agent: measured(undefined) })).toEqual([]);
    expect(judgeHost(HEALTHY).every(({ fix }) => fix === undefined)).toBe(true);
  });

  it('passes one that its role or its token is going to register, and one whose objects the plane hands out', () => {
    expect(failing({ registration: measured({ by: 'identity' }) })).toEqual([]);
    expect(failing({ registration: measured({ by: 'token' }) })).toEqual([]);
    expect(failing({ registration: measured({ by: 'malformed-token', host: 'gpu-17' }) })).toEqual([]);
    expect(failing({ objects: 'by-plane' })).toEqual([]);
  });

  it('says of what is no plane that it is none, and of a plane what it says itself', () => {
    const planeOf = (plane: HostFacts['plane']) =>
      judgeHost({ ...HEALTHY, plane }).find(({ check }) => check === 'plane');
    expect(planeOf(answers(404))).toMatchObject({ detail: 'answers 404, and not as a Strata plane does' });
    expect(planeOf(answers(404))?.fix).toContain('HostApiUrl');
    expect(planeOf(answers(401))?.fix).toContain('credentials that no host has');
    expect(planeOf(answers(421, 'foreign-host'))).toMatchObject({
      detail: 'answers 421: Not so.',
      fix: 'Do it otherwise.',
    });
  });

  it('sets no clock by a plane that does not answer', () => {
    const clock = judgeHost({ ...HEALTHY, plane: failed }).find((one) => one.check === 'clock');
    expect(clock).toMatchObject({ status: 'FAILED', fix: 'See the check `plane`.' });
  });

  it('points to tuning where a setting is far off, and fails nobody for it', () => {
    const facts = { ...HEALTHY, tuning: measured(['io-scheduler', 'dirty-bytes']) };
    const check = judgeHost(facts).find((one) => one.check === 'tuning');
    expect(check).toMatchObject({ status: 'PASSED', detail: 'far off: io-scheduler, dirty-bytes' });
    expect(check?.fix).toContain('strata tune --store');
  });

  it.each<[string, Partial<HostFacts>, readonly string[]]>([
    ['an old Node', { user: { uid: 998, nodeVersion: 'v20.20.2' } }, ['node']],
    ['root', { user: { uid: 0, nodeVersion: 'v24.0.0' } }, ['user', 'folder']],
    ['a folder of somebody else', { folder: measured({ mode: 0o755, owner: 0, kind: 'directory' }) }, ['folder']],
    ['a folder that all may write', { folder: measured({ mode: 0o777, owner: 998, kind: 'directory' }) }, ['folder']],
    ['a folder that is a link', { folder: measured({ mode: 0o777, owner: 998, kind: 'link' }) }, ['folder']],
    ['no folder', { folder: failed, fileSystem: failed, space: failed }, ['folder', 'file-system', 'space']],
    ['a network file system', { fileSystem: measured('nfs') }, ['file-system']],
    ['a full volume', { space: measured({ totalBytes: 2000 * GIB, freeBytes: MIB }) }, ['space']],
    ['no O_DIRECT', { directIo: measured(false) }, ['direct-io']],
    ['slow syncs', { fsync: measured({ medianMs: 35, p99Ms: 80 }) }, ['fsync']],
    ['few open files', { openFiles: measured(1024) }, ['open-files']],
    ['little memory', { memoryLimitBytes: 256 * MIB }, ['memory']],
    ['no plane', { plane: failed }, ['plane', 'clock']],
    ['a plane that fails', { plane: answers(503) }, ['plane']],
    ['a plane that fails in its own words', { plane: answers(502, 'no-answer') }, ['plane']],
    ['a plane under a name that is not its own', { plane: answers(421, 'foreign-host') }, ['plane']],
    ['another server', { plane: answers(404) }, ['plane']],
    ['another server that likes everything', { plane: answers(200) }, ['plane']],
    ['a proxy that wants a password', { plane: answers(401) }, ['plane']],
    ['a clock that is behind', { plane: answers(400, 'bad-request', 60_000) }, ['clock']],
    ['a clock that is ahead', { plane: answers(400, 'bad-request', -60_000) }, ['clock']],
    ['a host that nothing registers', { registration: measured({ by: 'nothing' }) }, ['registration']],
    ['a token that is none', { registration: measured({ by: 'malformed-token' }) }, ['registration']],
    ['a token that may not be read', { registration: failed }, ['registration']],
    ['a bucket that is not there', { objects: measured({ status: 404, wallMs: 9 }) }, ['object-store']],
    ['a bucket of another region', { objects: measured({ status: 301, wallMs: 9 }) }, ['object-store']],
    ['a host on AWS to which no bucket is named', { objects: 'no-bucket' }, ['object-store']],
    ['no object store', { objects: failed }, ['object-store']],
    ['a store whose drive cannot be told', { tuning: failed }, ['tuning']],
    ['an agent that does not get ready', { agent: measured('starting') }, ['agent']],
  ])('fails %s and says what to do', (_, facts, expected) => {
    expect(failing(facts)).toEqual(expected);
    const fixes = judgeHost({ ...HEALTHY, ...facts }).filter(({ status }) => status === 'FAILED');
    expect(fixes.every(({ fix, detail }) => (fix ?? '').length > 10 && detail !== '')).toBe(true);
  });
});
