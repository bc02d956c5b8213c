import { type Command, Option } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import { SWEEP_SHARDS } from '../../lib/catalog/index.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { PlacementError, TierFacts } from '../../lib/placement/index.ts';
import { describeIssues } from '../../lib/shared/describeIssues.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import type { Deciding } from '../../lib/tiering/index.ts';
import { moment } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';
import { showLooked } from '../progress.ts';

/** Objects that one question to the plane takes. */
const PAGE = 100;

export interface InventoryOptions extends PlaneOptions {
  readonly inventory?: string;
  readonly at: EpochMs;
}

/** The options of commands that judge an inventory of tier facts, or the plane's own. */
export function withInventory(command: Command): Command {
  return withPlane(command)
    .option('--inventory <file>', 'instead of the plane: one JSON object of tier facts a line, gzip allowed')
    .addOption(
      new Option('--at <date>', 'decide as of this moment').argParser(moment).default(EpochMs.parse(Date.now()), 'now'),
    );
}

type PlannedItem = OperationOutput<'planTiers'>['items'][number];
export type Expiry = NonNullable<PlannedItem['expires']>;

export interface Listed {
  readonly facts: TierFacts;
  readonly expires?: Expiry | undefined;
  /** Of the origin; empty where a file lists it. */
  readonly versionId: string;
}

/** Facts from a file, or from the plane's catalog page by page, as `decides` looks at them. */
export async function* factsOf(options: InventoryOptions, decides: Deciding): AsyncGenerator<Listed> {
  if (options.inventory === undefined) return yield* planned(options, decides);
  for await (const facts of inventory(options.inventory)) yield { facts, versionId: '' };
}

/** The same objects as two policies look at them, each with facts of its own. What only one of them sees is left out. */
export async function* factsOfBoth(
  options: InventoryOptions,
  present: Deciding,
  next: Deciding,
): AsyncGenerator<{ readonly present: TierFacts; readonly next: TierFacts }> {
  if (options.inventory !== undefined) {
    for await (const facts of inventory(options.inventory)) {
      yield { present: asDecided(facts, present), next: asDecided(facts, next) };
    }
    return;
  }
  const plan = await planner(options);
  // Both of the same page: what only one of them sees shifts no other.
  const pages = interleaved(async (shard, nextToken) => {
    const [before, after] = await Promise.all(
      [present, next].map((decides) => plan(unpacked(decides), shard, nextToken)),
    );
    return { before: before?.items ?? [], items: after?.items ?? [], nextToken: after?.nextToken };
  });
  for await (const { before, items } of pages) {
    const seen = new Map(before.map(({ facts }) => [facts.digest, facts]));
    for (const { facts } of items) {
      const old = seen.get(facts.digest);
      if (old !== undefined) yield { present: old, next: facts };
    }
  }
}

/** Where packing is only tried out, what happens is decided without it. */
function unpacked({ policy, settings }: Deciding): Deciding {
  return { policy, settings: settings.tierPacking === 'on' ? settings : { ...settings, tierPacking: 'off' } };
}

function asDecided(facts: TierFacts, { settings }: Deciding): TierFacts {
  if (settings.tierPacking === 'on' || facts.packing?.packed !== false) return facts;
  const { packing: _, ...plain } = facts;
  return plain;
}

type PlannedPage = OperationOutput<'planTiers'>;

/** Asks the plane for a page of one of its shards. */
async function planner(
  options: PlaneOptions,
): Promise<(decides: Deciding, shard: number, nextToken: string | undefined) => Promise<PlannedPage>> {
  const { operations } = await connect(options);
  return ({ policy, settings }, shard, nextToken) =>
    operations.planTiers({ limit: PAGE, policy, settings, shard, ...(nextToken === undefined ? {} : { nextToken }) });
}

async function* planned(options: PlaneOptions, decides: Deciding): AsyncGenerator<PlannedItem> {
  const plan = await planner(options);
  for await (const { items } of interleaved((shard, nextToken) => plan(decides, shard, nextToken))) yield* items;
}

interface Lane<Page> {
  readonly shard: number;
  readonly pending: Promise<Page>;
}

/**
 * The pages of all shards, the next of each asked for while those before it are worked on: as many at once as there are shards, and one page
 * of each in memory. In the same order each time: a page of each shard in turn.
 */
async function* interleaved<
  Page extends { readonly items: readonly PlannedItem[]; readonly nextToken?: string | undefined },
>(page: (shard: number, nextToken: string | undefined) => Promise<Page>): AsyncGenerator<Page> {
  const begin = (shard: number, nextToken?: string): Lane<Page> => {
    const pending = page(shard, nextToken);
    // Of one that fails while another one is awaited, its turn tells.
    pending.catch(() => undefined);
    return { shard, pending };
  };
  const looked = showLooked('looked at');
  const parts = Array.from({ length: SWEEP_SHARDS }, () => 0);
  let objects = 0;
  let lanes = parts.map((_, shard) => begin(shard));
  while (lanes.length > 0) {
    const next: Lane<Page>[] = [];
    for (const { pending, shard } of lanes) {
      const got = await pending;
      if (got.nextToken !== undefined) next.push(begin(shard, got.nextToken));
      objects += got.items.length;
      parts[shard] = got.nextToken === undefined ? 1 : placeOf(got.items.at(-1)?.facts.digest);
      looked.at(objects, parts.reduce((sum, part) => sum + part, 0) / SWEEP_SHARDS);
      yield got;
    }
    lanes = next;
  }
  looked.end();
}

/** Digests are uniform, and pages go in their order: where one stands among all, from 0 to 1. */
const placeOf = (digest = ''): number => Number.parseInt(digest.slice(0, 8) || '0', 16) / 16 ** 8;

/** Throws `PlacementError` with code `bad-inventory` for a line that holds no facts, and where there is none at all. */
async function* inventory(path: string): AsyncGenerator<TierFacts> {
  let number = 0;
  let objects = 0;
  for await (const lines of readLines(path)) {
    for (const line of lines) {
      number += 1;
      if (line === '') continue;
      objects += 1;
      yield parseFacts(line, `${path}:${number}`);
    }
  }
  if (objects === 0) throw badInventory(`${path} lists no object.`);
}

function parseFacts(line: string, where: string): TierFacts {
  const facts = TierFacts.safeParse(parseJson(line, where));
  if (facts.success) return facts.data;
  throw badInventory(
    `${where} holds no tier facts: ${describeIssues(facts.error.issues)}. See lib/placement/tierFacts.ts for their fields.`,
  );
}

function parseJson(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw badInventory(`${where} is no JSON. An inventory has one JSON object of tier facts a line.`);
  }
}

const badInventory = (message: string): PlacementError =>
  new PlacementError({ code: 'bad-inventory', message, retryable: false });
