import { createHttpsPriceLists } from '../../lib/adapters/https/httpsPriceLists.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

const DEADLINE_MS = 45_000;

/** The lists at the origin that the deployment was given; none where that is empty. */
export function awsPriceLists({ STRATA_PRICE_LISTS: origin }: AwsEnvironment): Pick<FunctionDeps, 'priceLists'> {
  return { priceLists: origin === '' ? undefined : createHttpsPriceLists({ origin, deadlineMs: DEADLINE_MS }) };
}
