import { type EpochMs, GB, HOUR_MS, MONTH_MS, Usd } from '../shared/units.ts';
import type { StoredCopy, StoredObject } from './storedObject.ts';

/** `class`: storage classes, and tiers of hosts. `service`: what bills them: the object store, or a volume of a host by its tier. */
export const COST_DIMENSIONS = ['class', 'service', 'model', 'region', 'host', 'kind'] as const;
export type CostDimension = (typeof COST_DIMENSIONS)[number];

/** What a group of copies costs now, in a month of 730 hours. */
export interface CostLine {
  readonly group: string;
  readonly copies: number;
  readonly bytes: number;
  readonly storageUsd: Usd;
  readonly requestUsd: Usd;
  readonly retrievalUsd: Usd;
  readonly usdPerMonth: Usd;
  readonly usdPerHour: Usd;
  /** Of 10⁹ bytes; 0 where there are none. */
  readonly usdPerGbMonth: Usd;
  /** The minimum-duration ledger: copies that cannot leave for free yet, what it would charge now, and when the first is free. */
  readonly boundCopies: number;
  readonly liabilityUsd: Usd;
  readonly firstFreeAt?: EpochMs;
}

interface Sums {
  copies: number;
  bytes: number;
  storageUsd: number;
  requestUsd: number;
  retrievalUsd: number;
  boundCopies: number;
  liabilityUsd: number;
  firstFreeAt: EpochMs | undefined;
}

/**
 * Adds up copies one at a time: its memory grows with groups, not with objects. What several models share is divided evenly between
 * them, so that the groups add up to the whole; it counts as a copy of each.
 */
export class CostReport {
  private readonly dimension: CostDimension;
  private readonly groups = new Map<string, Sums>();
  private readonly whole = noSums();

  constructor(dimension: CostDimension) {
    this.dimension = dimension;
  }

  add(object: StoredObject): void {
    for (const copy of object.copies) {
      addCopy(this.whole, copy, 1);
      const groups = groupsOf(this.dimension, object, copy);
      for (const group of groups) addCopy(this.sums(group), copy, 1 / groups.length);
    }
  }

  /** The dearest group first. */
  lines(): readonly CostLine[] {
    return [...this.groups]
      .map(([group, sums]) => lineOf(group, sums))
      .sort((one, other) => other.usdPerMonth - one.usdPerMonth || (one.group < other.group ? -1 : 1));
  }

  total(): CostLine {
    return lineOf('total', this.whole);
  }

  private sums(group: string): Sums {
    let sums = this.groups.get(group);
    if (sums === undefined) {
      sums = noSums();
      this.groups.set(group, sums);
    }
    return sums;
  }
}

function groupsOf(dimension: CostDimension, { models }: StoredObject, copy: StoredCopy): readonly string[] {
  switch (dimension) {
    case 'class':
      return [copy.tier];
    case 'service':
      return [copy.host === undefined ? 's3' : `host ${copy.tier}`];
    case 'model':
      return models.length === 0 ? ['(no model)'] : models;
    case 'region':
      return [copy.region ?? (copy.host === undefined ? '(uploads)' : '(hosts)')];
    case 'host':
      return [copy.host ?? '(bucket)'];
    case 'kind':
      return [copy.kind];
  }
}

function noSums(): Sums {
  return {
    copies: 0,
    bytes: 0,
    storageUsd: 0,
    requestUsd: 0,
    retrievalUsd: 0,
    boundCopies: 0,
    liabilityUsd: 0,
    firstFreeAt: undefined,
  };
}

function addCopy(sums: Sums, copy: StoredCopy, share: number): void {
  sums.copies += 1;
  sums.bytes += copy.bytes * share;
  sums.storageUsd += copy.storageUsd * share;
  sums.requestUsd += copy.requestUsd * share;
  sums.retrievalUsd += copy.retrievalUsd * share;
  sums.liabilityUsd += copy.liabilityUsd * share;
  if (copy.freeAt === undefined) return;
  sums.boundCopies += 1;
  if (sums.firstFreeAt === undefined || copy.freeAt < sums.firstFreeAt) sums.firstFreeAt = copy.freeAt;
}

function lineOf(group: string, sums: Sums): CostLine {
  const { bytes, copies, boundCopies, storageUsd, requestUsd, retrievalUsd, liabilityUsd, firstFreeAt } = sums;
  const month = storageUsd + requestUsd + retrievalUsd;
  return {
    group,
    copies,
    bytes: Math.round(bytes),
    storageUsd: Usd.parse(storageUsd),
    requestUsd: Usd.parse(requestUsd),
    retrievalUsd: Usd.parse(retrievalUsd),
    usdPerMonth: Usd.parse(month),
    usdPerHour: Usd.parse((month * HOUR_MS) / MONTH_MS),
    usdPerGbMonth: Usd.parse(bytes === 0 ? 0 : month / (bytes / GB)),
    boundCopies,
    liabilityUsd: Usd.parse(liabilityUsd),
    ...(firstFreeAt === undefined ? {} : { firstFreeAt }),
  };
}
