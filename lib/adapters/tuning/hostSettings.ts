import { constants } from 'node:fs';
import { lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorText } from '../../shared/errors.ts';
import {
  chosenOf,
  type HostSettings,
  isPersistedFile,
  isSettingFile,
  PERSISTED_HEADER,
  SETTING_VALUE,
  TuningError,
} from '../../tuning/index.ts';
import { makeFolder } from '../files/makeFolder.ts';

const { O_WRONLY, O_TRUNC, O_NOFOLLOW, O_CREAT, O_EXCL } = constants;

/** The settings below `root`, which is `/` but in tests. The kernel's own links are followed, a link in a file's place never. */
export function createHostSettings(root: string): HostSettings {
  const pathOf = (file: string, known: (file: string) => boolean) => {
    if (known(file)) return join(root, file);
    throw new TuningError({ code: 'unknown-file', message: `${file} is no file of a setting.`, retryable: false });
  };

  return {
    async read(file) {
      const text = await readFile(pathOf(file, isSettingFile), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : chosenOf(text);
    },

    async write(file, value) {
      const path = pathOf(file, isSettingFile);
      if (!SETTING_VALUE.test(value)) throw refused(file, value, new Error('it is no value of a setting'));
      try {
        const opened = await open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW);
        try {
          await opened.writeFile(`${value}\n`);
        } finally {
          await opened.close();
        }
      } catch (cause) {
        throw refused(file, value, cause);
      }
    },

    assertOurs: (file) => assertOurs(pathOf(file, isPersistedFile)),

    async persist(file, text) {
      const path = pathOf(file, isPersistedFile);
      await assertOurs(path);
      makeFolder(dirname(path));
      const aside = `${path}.next`;
      await rm(aside, { force: true });
      const opened = await open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
      try {
        await opened.writeFile(text);
        await opened.sync();
      } finally {
        await opened.close();
      }
      await rename(aside, path);
    },

    async unpersist(file) {
      const path = pathOf(file, isPersistedFile);
      try {
        if ((await ownerOf(path)) === 'ours') await rm(path);
      } catch (cause) {
        const message = `/${file} cannot be removed: ${errorText(cause)}`;
        throw new TuningError({ code: 'refused', message, retryable: false, cause });
      }
    },
  };
}

async function assertOurs(path: string): Promise<void> {
  if ((await ownerOf(path)) !== 'other') return;
  const message = `${path} is not of \`strata tune\`: move it away first.`;
  throw new TuningError({ code: 'not-ours', message, retryable: false });
}

async function ownerOf(path: string): Promise<'none' | 'ours' | 'other'> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return 'none';
  const text = found.isFile() ? await readFile(path, 'utf8') : '';
  return text.startsWith(`${PERSISTED_HEADER}\n`) ? 'ours' : 'other';
}

function refused(file: string, value: string, cause: unknown): TuningError {
  const message = `/${file} does not take ${value}: ${errorText(cause)}`;
  return new TuningError({ code: 'refused', message, retryable: false, cause });
}
