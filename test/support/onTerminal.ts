import { vi } from 'vitest';

/** What `work` answers while standard output is a terminal of this many columns, without colours. */
export async function onTerminal<T>(columns: number, work: () => Promise<T>): Promise<T> {
  const { columns: before, isTTY } = process.stdout;
  Object.assign(process.stdout, { isTTY: true, columns });
  vi.stubEnv('NO_COLOR', '1');
  try {
    return await work();
  } finally {
    Object.assign(process.stdout, { columns: before, isTTY });
    vi.unstubAllEnvs();
  }
}
