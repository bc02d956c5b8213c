import { digest } from './digest/function.ts';
import { ingest } from './ingest/function.ts';
import { relay } from './relay/function.ts';

/** Every function of the product; what it is started by, may do and costs is in its declaration. */
export const FUNCTIONS = [digest, ingest, relay] as const;
export type FunctionName = (typeof FUNCTIONS)[number]['name'];
