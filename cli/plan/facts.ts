import type { Command } from 'commander';
import { readLines } from '../../lib/adapters/files/lineFile.ts';
import type { OperationOutput } from '../../lib/operations/index.ts';
import { PlacementError, TierFacts } from '../../lib/placement/index.ts';
import { describeIssues } from '../../lib/shared/describeIssues.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import type { Deciding } from '../../lib/tiering/index.ts';
import { moment } from '../arguments.ts';
import { connect, type PlaneOptions, withPlane } from '../connection/connect.ts';

export interface InventoryOptions extends PlaneOptions {
  readonly inventory?: string;
  readonly at: EpochMs;
}

/** The options of commands that judge an inventory of tier facts, or the plane's own. */
export function withInventory(command: Command): Command {
  return withPlane(command)
    .option('--inventory <file>', 'instead of the plane: one JSON object of tier facts a line, gzip allowed')
    .option('--at <date>', 'decide as of this moment', moment, EpochMs.parse(Date.now()));
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
  if (options.inventory === undefined) return yield* flatten(planned(options, decides));
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
  const before = planned(options, unpacked(present));
  for await (const page of planned(options, unpacked(next))) {
    const seen = new Map((await before.next()).value?.map(({ facts }) => [facts.digest, facts]));
    for (const { facts } of page) {
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

async function* planned(
  options: PlaneOptions,
  { policy, settings }: Deciding,
): AsyncGenerator<readonly PlannedItem[], undefined> {
  const { operations } = await connect(options);
  let nextToken: string | undefined;
  do {
    const page = await operations.planTiers({
      limit: 100,
      policy,
      settings,
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    yield page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}

async function* flatten<Item>(pages: AsyncGenerator<readonly Item[]>): AsyncGenerator<Item> {
  for await (const page of pages) yield* page;
}

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
