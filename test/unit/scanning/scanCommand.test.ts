import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { blobDigest, PART_SIZE, partHash } from '../../../lib/shared/digest.ts';
import { safetensorsFile } from './build.ts';

const Line = z.object({
  file: z.string(),
  verdict: z.string(),
  digest: z.optional(z.string()),
  rules: z.string(),
  reasons: z.array(z.object({ rule: z.string() })),
});
const Sarif = z.object({
  version: z.literal('2.1.0'),
  runs: z.array(z.object({ results: z.array(z.object({ ruleId: z.string(), level: z.string() })) })),
});

let scratch = '';
/** What is scanned: a part of it, so that reports may lie beside. */
let folder = '';
const good = safetensorsFile('{}');

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'strata-scan-'));
  folder = join(scratch, 'files');
  await mkdir(folder);
  await writeFile(join(folder, 'good.bin'), good);
  await writeFile(join(folder, 'evil.safetensors'), "cos\nsystem\n(S'id'\ntR.");
  await writeFile(join(folder, 'pointer.safetensors'), 'version https://git-lfs.github.com/spec/v1');
  await symlink('/etc/passwd', join(folder, 'link'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** Nobody answers there. */
const NO_S3 = {
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'nobody',
  AWS_SECRET_ACCESS_KEY: 'nothing',
  AWS_MAX_ATTEMPTS: '1',
};

function strata(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...NO_S3 };
    execFile(process.execPath, ['cli/bin.js', 'scan', ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

it('scans a folder, one JSON object per file, and exits with 1 for findings', async () => {
  const sarif = join(scratch, 'found.sarif');
  const { code, stdout } = await strata(folder, '--json', '--sarif', sarif);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));
  expect(code).toBe(1);
  expect(lines.map(({ file, verdict }) => [file, verdict])).toEqual([
    [join(folder, 'evil.safetensors'), 'malicious'],
    [join(folder, 'good.bin'), 'clean'],
    [join(folder, 'pointer.safetensors'), 'invalid'],
  ]);
  expect(lines[1]?.digest).toBe(blobDigest(good.length, PART_SIZE, [partHash(good)]));
  const [run] = Sarif.parse(JSON.parse(await readFile(sarif, 'utf8'))).runs;
  expect(run?.results.map(({ ruleId }) => ruleId)).toContain('pickle.dangerous-call');
});

it('exits with 0 where everything is clean and says so to people', async () => {
  const { code, stdout } = await strata(join(folder, 'good.bin'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^clean .*good\.bin {2}safetensors, 10 B\n1 clean\n$/);
});

it('exits with 2 for a path that does not exist', async () => {
  const { code, stdout, stderr } = await strata(join(folder, 'missing'), '--json');
  expect([code, stdout]).toEqual([2, '']);
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'bad-path',
    message: expect.stringContaining('missing cannot be scanned.'),
    cause: expect.stringContaining('ENOENT'),
  });
});

it('exits with 3 where a bucket is away, unless something was found', async () => {
  const away = 's3://away/models/';
  expect(await strata(join(folder, 'good.bin'), away)).toMatchObject({ code: 3 });
  expect(await strata(join(folder, 'evil.safetensors'), away)).toMatchObject({ code: 1 });
  expect(await strata(join(folder, 'evil.safetensors'), away, join(folder, 'nothing'))).toMatchObject({ code: 2 });
});
