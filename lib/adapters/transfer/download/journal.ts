import { readFile, rm } from 'node:fs/promises';
import * as z from 'zod/mini';
import { PartCrc32c } from '../../../shared/digest.ts';
import { openAnew } from '../../files/stagingFile.ts';

const Head = z.strictObject({
  schema: z.literal('strata-fetch/1'),
  /** What is fetched, with whatever makes sure that it is still the same. */
  source: z.string(),
  partSize: z.number(),
});
const Line = z.strictObject({ part: z.number().check(z.int(), z.nonnegative()), crc32c: PartCrc32c });

/** Which parts of a download are complete, checked and on the device. */
export interface Journal {
  readonly done: ReadonlyMap<number, string>;
  add(part: number, crc32c: string): Promise<void>;
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** Continues the journal at `path` where it is of the same source, else begins it anew. A torn last line counts for nothing. */
export async function openJournal(path: string, source: string, partSize: number, fresh: boolean): Promise<Journal> {
  const done = fresh ? new Map<number, string>() : await readDone(path, source, partSize);
  const file = await openAnew(path, 0o600);
  const lines = [...done].map(([part, crc32c]) => JSON.stringify({ part, crc32c }));
  const head = JSON.stringify({ schema: 'strata-fetch/1', source, partSize });
  await file.write([head, ...lines, ''].join('\n'));
  await file.datasync();
  return {
    done,
    async add(part, crc32c) {
      done.set(part, crc32c);
      await file.write(`${JSON.stringify({ part, crc32c })}\n`);
      await file.datasync();
    },
    close: () => file.close(),
    async remove() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function readDone(path: string, source: string, partSize: number): Promise<Map<number, string>> {
  const done = new Map<number, string>();
  const text = await readFile(path, 'utf8').catch(() => '');
  const [first = '', ...lines] = text.split('\n');
  const head = Head.safeParse(jsonOf(first));
  if (!head.success || head.data.source !== source || head.data.partSize !== partSize) return done;
  for (const line of lines) {
    const parsed = Line.safeParse(jsonOf(line));
    if (parsed.success) done.set(parsed.data.part, parsed.data.crc32c);
  }
  return done;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
