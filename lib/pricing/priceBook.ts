import * as z from 'zod/mini';
import { describeIssues } from '../shared/describeIssues.ts';
import { frozen } from '../shared/frozen.ts';
import { StorageClass } from '../shared/ids.ts';
import { PricingError } from './errors.ts';

const money = z.number().check(z.nonnegative());
const count = z.number().check(z.int(), z.nonnegative());
const name = z.string().check(z.regex(/^[A-Za-z0-9._/-]{1,64}$/));

/** A restore option of an archive class. `waitSeconds` is the slow end of the published range. */
const Retrieval = z.strictObject({
  usdPerGb: money,
  usdPer1000: z._default(money, 0),
  waitSeconds: z._default(money, 0),
  /** Above this size the option does not keep its wait. */
  maximumBytes: z.optional(count),
});

/** How one storage class is billed. All amounts are US dollars; `gbBytes` of the book says what a GB is. */
const StoragePrice = z.strictObject({
  source: name,
  /** The rate of the first volume step: what one more gigabyte costs a small account. */
  usdPerGbMonth: money,
  volumeSteps: z._default(z.array(z.strictObject({ aboveGb: money, usdPerGbMonth: money })), []),
  usdPer1000: z.strictObject({ put: money, get: money, transitionIn: money }),
  uploadUsdPerGb: z._default(money, 0),
  /** `instant` where a GET answers at once; the others are restores. A class has the one or the others. */
  retrieval: z.partialRecord(z.enum(['instant', 'expedited', 'standard', 'bulk']), Retrieval),
  minimumDays: count,
  /** Smaller objects are billed as this many bytes. */
  minimumBytes: count,
  /** Lifecycle rules move objects only towards a greater rank, and then retrieval is not charged. Absent: no lifecycle. */
  lifecycleRank: z.optional(count),
  /** Bytes that are billed on top of each object. */
  overhead: z.optional(z.strictObject({ ownRateBytes: count, standardRateBytes: count })),
  /** Only Intelligent-Tiering: rates that the provider applies by itself after idle days. */
  autoTiering: z.optional(
    z.strictObject({
      minimumBytes: count,
      monitoringUsdPer1000ObjectMonths: money,
      tiers: z.array(z.strictObject({ afterIdleDays: count, usdPerGbMonth: money })),
    }),
  ),
});
export type StoragePrice = z.infer<typeof StoragePrice>;

export const HostTier = z.enum(['gpu', 'ram', 'nvme', 'ssd']);
export type HostTier = z.infer<typeof HostTier>;

/** What the S3-compatible store behind a tier may lack. */
const StoreCapability = z.enum([
  /** Restores of archived objects: `archiveIn` says where what would be archived goes instead. */
  'archive',
  /** Versions of a key, which every origin is pinned by. Without them a store is priced, not used. */
  'versions',
  'storage-classes',
  /** Jobs over a manifest of objects. */
  'batch-jobs',
  /** Notifications of what changes in a bucket, as EventBridge has them. */
  'events',
]);

/** A kind of location: how much it holds, how soon a read of it begins, what it costs, and what it really is. */
const Tier = z.strictObject({
  source: name,
  /** In gigabytes of the book, of one device or host; absent where it holds what is paid for. */
  capacity: z.optional(
    z
      .strictObject({
        per: z.enum(['device', 'host']),
        fromGb: money,
        toGb: money,
        orMore: z._default(z.boolean(), false),
      })
      .check(z.refine(({ fromGb, toGb }) => fromGb <= toGb, 'must not end below its beginning')),
  ),
  /** Within so many milliseconds a read should begin. */
  accessMs: z.number().check(z.positive()),
  /** The price of the book that it is charged by. */
  price: z.union([z.strictObject({ hostTier: HostTier }), z.strictObject({ storageClass: name })]),
  mechanism: z.string().check(z.minLength(1), z.maxLength(300)),
  lacks: z._default(z.array(StoreCapability), []),
  /** The storage class, of whatever book has it, that takes what this store cannot archive. */
  archiveIn: z.optional(name),
});
export type Tier = z.infer<typeof Tier>;

/** A dated list of prices of one provider in one region; every price names one of the book's sources. */
export const PriceBookFile = z
  .strictObject({
    schema: z.literal('strata.prices/1'),
    id: name,
    provider: name,
    region: name,
    asOf: z.iso.date(),
    /** Bytes of one billed gigabyte: 2³⁰ where the provider bills binary units, 10⁹ elsewhere. */
    gbBytes: z.union([z.literal(1_000_000_000), z.literal(1_073_741_824)]),
    /** `asOf` where a source was not read on the date of the book, but before. */
    sources: z.record(
      name,
      z.strictObject({ url: z.optional(z.url()), note: z.string(), asOf: z.optional(z.iso.date()) }),
    ),
    storage: z.record(name, StoragePrice),
    /** Where the provider calls S3's classes otherwise: which price of `storage` each of them is charged by. */
    classes: z._default(z.partialRecord(StorageClass, name), {}),
    hostTiers: z.partialRecord(HostTier, z.strictObject({ source: name, usdPerGbHour: money })),
    gpus: z.record(name, z.strictObject({ source: name, usdPerHour: money, instance: z.optional(z.string()) })),
    transfer: z.record(name, z.strictObject({ source: name, usdPerGb: money })),
    /** Functions, by their processor; a gigabyte of memory is 2³⁰ bytes whatever the book's is. */
    workers: z._default(z.record(name, z.strictObject({ source: name, usdPerGbSecond: money })), {}),
    tiers: z.optional(z.record(name, Tier)),
  })
  .check(
    z.refine(
      (book) =>
        [book.storage, book.hostTiers, book.gpus, book.transfer, book.workers, book.tiers ?? {}].every((prices) =>
          Object.values(prices).every((price) => book.sources[price.source] !== undefined),
        ),
      'has a price of a source that the book does not list',
    ),
    z.refine(
      ({ classes, storage }) => Object.values(classes).every((price) => storage[price] !== undefined),
      'has a storage class of a price that the book does not hold',
    ),
    z.refine(
      ({ hostTiers, storage, tiers }) =>
        Object.values(tiers ?? {}).every(
          ({ price }) => ('hostTier' in price ? hostTiers[price.hostTier] : storage[price.storageClass]) !== undefined,
        ),
      'has a tier of a price that the book does not hold',
    ),
  );
export type PriceBookFile = z.infer<typeof PriceBookFile>;

/** The file of each price beside it, so that books of several providers answer as one. */
export interface PriceBook {
  /** Names of the files in the order in which they answer. */
  readonly id: string;
  readonly books: readonly PriceBookFile[];
}

/** Throws `PricingError` with code `invalid-book`, which names the field and what was expected there. */
export function parsePriceBook(json: unknown): PriceBookFile {
  const parsed = PriceBookFile.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new PricingError({
    code: 'invalid-book',
    message: `The price book is not valid: ${describeIssues(parsed.error.issues)}. Compare it with lib/pricing/README.md.`,
    retryable: false,
  });
}

/** Those that are in force and those that a few receipts name. */
const MOST_REMEMBERED = 16;
const remembered = new Map<string, PriceBookFile>();

/** The book of a JSON text, frozen: each decision asks for those in force. Throws `PricingError`, and what `JSON.parse` throws. */
export function priceBookOf(json: string): PriceBookFile {
  const known = remembered.get(json);
  if (known !== undefined) return known;
  const book = frozen(parsePriceBook(JSON.parse(json)));
  if (remembered.size === MOST_REMEMBERED) remembered.clear();
  remembered.set(json, book);
  return book;
}

/** Combines books; where two hold the same price, the earlier one answers. Throws `PricingError` when none is given. */
export function combinePriceBooks(...books: readonly PriceBookFile[]): PriceBook {
  if (books.length === 0) {
    throw new PricingError({ code: 'invalid-book', message: 'At least one price book is needed.', retryable: false });
  }
  return { id: books.map((book) => `${book.id}@${book.asOf}`).join('+'), books };
}
