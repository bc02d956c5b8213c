import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';

const ROOT = new URL('../../../events/', import.meta.url);
const folders = readdirSync(ROOT).filter((name) => name !== 'aws');

/** Every exported schema of an event that could be a whole message. */
async function schemasOf(folder: string): Promise<readonly z.ZodMiniType[]> {
  const exported: Record<string, unknown> = await import(new URL(`${folder}/v1.ts`, ROOT).href);
  return Object.values(exported).flatMap((value) =>
    value instanceof z.ZodMiniType && !(value instanceof z.ZodMiniEnum) ? [value] : [],
  );
}

const filesOf = (folder: string): readonly string[] =>
  readdirSync(new URL(`${folder}/`, ROOT)).filter((name) => name.endsWith('.json'));

const read = (folder: string, file: string): unknown =>
  JSON.parse(readFileSync(new URL(`${folder}/${file}`, ROOT), 'utf8'));

describe.each(folders)('the contract of %s', (folder) => {
  it('has a sample, and an example of what it refuses', () => {
    const files = filesOf(folder);
    expect(files).toContain('v1.sample.json');
    expect(files.some((file) => file.endsWith('.invalid.json'))).toBe(true);
  });

  it.each(filesOf(folder))('accepts what is valid and refuses what is not: %s', async (file) => {
    const value = read(folder, file);
    const accepted = (await schemasOf(folder)).some((schema) => schema.safeParse(value).success);
    expect(accepted).toBe(!file.endsWith('.invalid.json'));
  });
});
