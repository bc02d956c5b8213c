import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const usd = z.number().check(z.nonnegative());

const IdlePrices = z.strictObject({
  region: z.string(),
  asOf: z.string(),
  note: z.string(),
  kmsKeyMonth: usd,
  secretMonth: usd,
  alarmMonth: usd,
  dashboardMonth: usd,
  sqsPerMillionRequests: usd,
  lambdaPerMillionCalls: usd,
  lambdaArmPerGbSecond: usd,
  schedulerPerMillionCalls: usd,
  dynamoPerMillionReadUnits: usd,
  logsPerGbIngested: usd,
});
export type IdlePrices = z.infer<typeof IdlePrices>;

export function readPrices(): IdlePrices {
  return IdlePrices.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'prices.json'), 'utf8')));
}
