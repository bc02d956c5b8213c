import { type Command, InvalidArgumentError, Option } from 'commander';
import { parsePolicySpec, POLICY_NAMES, type PolicySpec } from '../../lib/caching/index.ts';
import {
  canRun,
  cumulativeCostPlot,
  isPolicyName,
  POLICIES,
  type Known,
  type PolicyName,
  replay,
  replayOptimum,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { HostTier, hostTierPrice, type PriceBook } from '../../lib/pricing/index.ts';
import { DAY_MS, formatUsd, HOUR_MS, Usd } from '../../lib/shared/units.ts';
import { notNegative, share, size } from '../arguments.ts';
import { asArgument } from '../cacheArguments.ts';
import { withAddress } from '../connection/connect.ts';
import { note } from '../output.ts';
import { booksAtHand } from '../prices/books.ts';
import { writeText } from '../textFiles.ts';
import { rewriteLine } from '../progress.ts';
import { KNOWLEDGE_HELP, readKnowledge } from '../replay/knowledge.ts';
import { asJson, asTable, mechanicsOf, nameOf, type Outcome } from '../replay/outcomes.ts';
import { readStreams, type Stream, type StreamOptions, type Streams } from '../replay/streams.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';

const NAMES = Object.keys(POLICIES).filter(isPolicyName);

const MECHANICS = `
How objects change their class: strata-* by the copies of a plane, in daily sweeps (the writes, what the old class charges for
being read, its early deletion, and the old copy for 15 minutes beside the new one; what readers have restored is copied
to where it is read at once); the others by S3 Lifecycle where it can, and ski-rental writes back what was just read. The optimum
takes whichever is cheaper for each move. With --host-cache, × optimum is of the store alone, for what the caches have let through, and × bound
of all dollars: no caches of this size and no storage policies could together cost less than the bound, though they knew the whole log.
With --packs-to, or packs-to of single objects, a worker of the plane may pack what is read at once (strata-rules and strata-lifecycle by their rules,
strata-dollars what it knows to be read rarely, the optimum whatever it likes). A read has it unpacked first, so the tolerance must allow
for a minute and the bytes at 55 MB/s. Seconds of workers and what they read count as retrieval, unpackings as restores.`;

interface ReplayOptions extends StreamOptions {
  readonly policies: readonly PolicyName[];
  readonly knowledge?: string;
  readonly packsTo?: number;
  readonly prices?: string;
  readonly data?: string;
  readonly endpoint?: string;
  readonly gpuHour: number;
  readonly tolerance: number;
  readonly hostTier?: HostTier;
  readonly optimum: boolean;
  readonly json?: true;
  readonly plot?: string;
}

/** Adds `strata replay`: what storage policies would have cost on your own access logs. */
export function registerReplay(program: Command): void {
  withAddress(program.command('replay'))
    .description('what storage policies would have cost on an access log, before any is switched on')
    .requiredOption(
      '--log <file...>',
      'S3 server access logs, CloudTrail data events, or CSV/JSONL of time,object,bytes,op,region,host; gzip allowed',
    )
    .addOption(
      new Option('--policies <list>', `of ${NAMES.join(', ')}`).argParser(parsePolicies).default(NAMES, 'all of them'),
    )
    .option(
      '--host-cache <size>',
      'what each host of the log keeps on its disk, such as 500GB: only misses reach the store',
      size,
    )
    .addOption(
      new Option(
        '--host-tier <tier>',
        'what lies on hosts pays the rent of this tier, as the price book has it, while it lies there; without it the disks are paid for anyway',
      ).choices(HostTier.options),
    )
    .addOption(
      new Option('--cache-policies <list>', `how hosts choose what to keep: of ${POLICY_NAMES.join(', ')}`)
        .argParser(parseCachePolicies)
        .default(parseCachePolicies('strata,lru'), 'strata,lru'),
    )
    .option('--prices <file>', 'a price book that answers before those of the plane that is named, or that ship')
    .addOption(
      new Option('--gpu-hour <usd>', 'what an hour of the GPU costs that waits for a restore or a miss')
        .argParser(notNegative)
        .default(0),
    )
    .option('--tolerance <hours>', 'how long a reader may wait; 0 keeps archive classes out', notNegative, 0)
    .option('--knowledge <file>', 'what your registry knows of objects beside their reads, as below')
    .option(
      '--packs-to <ratio>',
      'packed ÷ plain bytes of every object, such as 0.67: may lie packed where readers wait long enough',
      share,
    )
    .option('--bytes <n>', 'size of objects whose size the log does not tell', notNegative)
    .option('--no-optimum', 'leave the offline optimum out')
    .option('--json', 'one JSON object per policy')
    .option('--plot <file.svg>', 'write the cumulative cost of each policy')
    .addHelpText('after', `${MECHANICS}\n${KNOWLEDGE_HELP}`)
    .action(replayLogs);
}

async function replayLogs(options: ReplayOptions): Promise<void> {
  const rates = await booksAtHand(options);
  const { prices, classes } = rates;
  const setup: ReplaySetup = {
    rates,
    classes,
    stepMs: DAY_MS,
    waiting: { toleranceMs: options.tolerance * HOUR_MS, usdPerMs: options.gpuHour / HOUR_MS },
    packsTo: options.packsTo,
  };
  const policies = options.policies.filter((name) => canRun(name, classes));
  const left = options.policies.filter((name) => !policies.includes(name));
  if (left.length > 0) note(`Left out, since their class is not among ${classes.join(', ')}: ${left.join(', ')}.`);
  if (policies.length === 0)
    throw new InvalidArgumentError('None of the policies can run among these storage classes.');
  const known = options.knowledge === undefined ? new Map() : await readKnowledge(options.knowledge);
  const { streams, least } = await readStreams({ ...options, rent: rentOf(options, prices) });
  const missing = streams[0]?.histories.missing(known.keys()) ?? [];
  if (missing.length > 0) note(`Not in the log, of what is known: ${listed(missing)}.`);
  const boundUsd = least && options.optimum ? leastUsd(least, options.bytes, setup, known) : undefined;
  const played = streams.flatMap((stream) => outcomesOf(stream, { ...options, policies }, setup, known));
  const outcomes = played.map((one) => ({ ...one, boundUsd }));
  rewriteLine('');
  if (options.plot !== undefined) {
    const curves = outcomes.map((one) => ({ name: nameOf(one), ...one }));
    const title = `Cumulative cost, ${formatCount(streams[0]?.histories.count ?? 0, 'object')}`;
    await writeText(options.plot, cumulativeCostPlot(title, curves, DAY_MS));
  }
  process.stdout.write(options.json === true ? asJson(outcomes, prices.id) : asTable(outcomes));
  if (options.json !== true && boundUsd !== undefined) {
    note(
      `× optimum is of the store's dollars for what reached it; × bound of all dollars, of which no caches of this size and no storage policies could together cost less than ${formatUsd(Usd.parse(boundUsd))}.`,
    );
  }
  if (options.json !== true)
    note(`Moved ${mechanicsOf(outcomes)}, among ${classes.join(', ')}.\nPrices: ${prices.id}.`);
}

/** Throws `PricingError` where no book prices the tier. */
function rentOf({ gpuHour, hostCache, hostTier }: ReplayOptions, prices: PriceBook): StreamOptions['rent'] {
  if (hostTier === undefined) return undefined;
  if (hostCache === undefined) throw new InvalidArgumentError('--host-tier needs --host-cache: how much a host keeps.');
  const { book, price } = hostTierPrice(prices, hostTier);
  return { usdPerByteMs: price.usdPerGbHour / book.gbBytes / HOUR_MS, waitUsdPerMs: gpuHour / HOUR_MS };
}

const MOST_LISTED = 3;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return `${names.slice(0, MOST_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * Below the dollars of any caches of this size in front of any storage policy: what readers wait at least for misses (`ServingBound`), and the store's least
 * for the reads that no cache can answer, with any choice of the others. Each holds for every pair of policies, so their sum does.
 */
function leastUsd(
  { histories, missWaitMs }: NonNullable<Streams['least']>,
  bytes: number | undefined,
  setup: ReplaySetup,
  known: ReadonlyMap<string, Known>,
): number {
  rewriteLine('computing the bound of all dollars');
  return missWaitMs * setup.waiting.usdPerMs + replayOptimum(histories.objects(bytes, known), setup);
}

function outcomesOf(
  { caches, histories }: Stream,
  options: ReplayOptions,
  setup: ReplaySetup,
  known: ReadonlyMap<string, Known>,
): readonly Omit<Outcome, 'boundUsd'>[] {
  const objects = histories.objects(options.bytes, known);
  if (options.optimum) rewriteLine('computing the offline optimum');
  const optimumUsd = options.optimum ? replayOptimum(objects, setup) : undefined;
  return options.policies.map((policy, index) => {
    rewriteLine(`replaying ${policy}, ${index + 1} of ${options.policies.length}`);
    const played = replay(objects, POLICIES[policy], setup);
    const tally = caches?.hosts.tally() ?? {
      hostReads: played.bill.reads,
      misses: played.bill.reads,
      missWaitMs: 0,
      rentUsd: 0,
    };
    const ofHosts = (step: number): number =>
      caches === undefined
        ? 0
        : caches.hosts.missWaitMsOf(step) * setup.waiting.usdPerMs + caches.hosts.rentUsdOf(step);
    const usdByStep = played.usdByStep.map((usd, step) => usd + ofHosts(played.firstStep + step));
    const cachePolicy = caches === undefined ? {} : { cachePolicy: caches.policy };
    return {
      ...played,
      usdByStep,
      policy,
      ...cachePolicy,
      tally,
      optimumUsd,
      missWaitUsd: tally.missWaitMs * setup.waiting.usdPerMs,
    };
  });
}

function parsePolicies(text: string): readonly PolicyName[] {
  return text.split(',').map((part) => {
    const name = part.trim();
    if (!isPolicyName(name)) throw new InvalidArgumentError(`${name} is not one of ${NAMES.join(', ')}.`);
    return name;
  });
}

function parseCachePolicies(text: string): readonly PolicySpec[] {
  return text.split(',').map((name) => {
    const spec = asArgument(() => parsePolicySpec(name));
    if (spec.offline)
      throw new InvalidArgumentError(`${spec.name} knows the future: it is for \`strata simulate cache\`.`);
    return spec;
  });
}
