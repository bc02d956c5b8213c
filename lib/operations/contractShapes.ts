import * as z from 'zod/mini';

export const PageInput = {
  limit: z.number().check(z.int(), z.gte(1), z.lte(1000)),
  nextToken: z.optional(z.string()),
};
export const dryRun = z.boolean();
/** `name`, or `name@` and an exact version, an alias, `latest` or a range. */
export const reference = z.string().check(z.minLength(1), z.maxLength(300));

export const page = <Item extends z.ZodMiniType>(item: Item) =>
  z.object({ items: z.array(item), nextToken: z.optional(z.string()) });
