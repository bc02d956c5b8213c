import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readJoinToken, registersByToken } from '../../../agent/wiring/joinToken.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'join-token-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is read from its file', async () => {
  const joinTokenFile = join(folder, 'token');
  writeFileSync(joinTokenFile, 'strata-join-1\n');
  const settings = { joinToken: undefined, joinTokenFile };
  expect(await readJoinToken(settings, recordedTelemetry().telemetry)).toBe('strata-join-1');
});

it('may be gone once it was used, and the host still does not register by IAM', async () => {
  const settings = { joinToken: undefined, joinTokenFile: join(folder, 'gone') };
  const { telemetry, records } = recordedTelemetry();
  expect(await readJoinToken(settings, telemetry)).toBeUndefined();
  expect(records.map(({ event }) => event)).toEqual(['join-token-file-gone']);
  expect(registersByToken(settings)).toBe(true);
  expect(registersByToken({ joinToken: undefined, joinTokenFile: undefined })).toBe(false);
});

it('that cannot be read is a mistake in the settings', async () => {
  const settings = { joinToken: undefined, joinTokenFile: folder };
  await expect(readJoinToken(settings, recordedTelemetry().telemetry)).rejects.toMatchObject({
    code: 'invalid-config',
  });
});
