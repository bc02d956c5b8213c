import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const price = z.strictObject({ usd: z.number().check(z.nonnegative()), source: z.url() });

const PriceFile = z.strictObject({
  region: z.string(),
  asOf: z.string(),
  note: z.string(),
  prices: z.strictObject({
    kmsKeyMonth: price,
    secretMonth: price,
    alarmMonth: price,
    dashboardMonth: price,
    sqsPerMillionRequests: price,
    lambdaPerMillionCalls: price,
    lambdaArmPerGbSecond: price,
    schedulerPerMillionCalls: price,
    dynamoPerMillionReadUnits: price,
    dynamoPerMillionWriteUnits: price,
    stepFunctionsPerMillionTransitions: price,
    expressWorkflowsPerMillion: price,
    expressWorkflowsPerGbSecond: price,
    inventoryPerMillionObjects: price,
    logsPerGbIngested: price,
  }),
});

/** Dollars by name, of what the plane itself uses; the price books of lib/pricing hold what models cost. */
export type IdlePrices = Readonly<Record<keyof z.infer<typeof PriceFile>['prices'], number>>;

/** Every price has a source; `note` says how far it is to be believed. */
export function readPrices(): { readonly usd: IdlePrices; readonly note: string } {
  const { asOf, note, prices, region } = PriceFile.parse(
    JSON.parse(readFileSync(join(import.meta.dirname, 'prices.json'), 'utf8')),
  );
  const usd = {
    kmsKeyMonth: prices.kmsKeyMonth.usd,
    secretMonth: prices.secretMonth.usd,
    alarmMonth: prices.alarmMonth.usd,
    dashboardMonth: prices.dashboardMonth.usd,
    sqsPerMillionRequests: prices.sqsPerMillionRequests.usd,
    lambdaPerMillionCalls: prices.lambdaPerMillionCalls.usd,
    lambdaArmPerGbSecond: prices.lambdaArmPerGbSecond.usd,
    schedulerPerMillionCalls: prices.schedulerPerMillionCalls.usd,
    dynamoPerMillionReadUnits: prices.dynamoPerMillionReadUnits.usd,
    dynamoPerMillionWriteUnits: prices.dynamoPerMillionWriteUnits.usd,
    stepFunctionsPerMillionTransitions: prices.stepFunctionsPerMillionTransitions.usd,
    expressWorkflowsPerMillion: prices.expressWorkflowsPerMillion.usd,
    expressWorkflowsPerGbSecond: prices.expressWorkflowsPerGbSecond.usd,
    inventoryPerMillionObjects: prices.inventoryPerMillionObjects.usd,
    logsPerGbIngested: prices.logsPerGbIngested.usd,
  };
  return { usd, note: `${note} (${region}, ${asOf})` };
}
