import * as z from 'zod/mini';

const Mappings = z.object({ EventSourceMappings: z.array(z.object({ UUID: z.string(), EventSourceArn: z.string() })) });

/** The fewest that Lambda knows. */
const AT_ONCE = 2;

/**
 * Each batch that a function works on at once is a process here, which loads the function anew: a sweep would start one for each of
 * dozens of messages. Two at once show what many do.
 */
export async function boundBatches(endpoint: string): Promise<void> {
  const mappings = new URL('/2015-03-31/event-source-mappings/', endpoint);
  const { EventSourceMappings } = Mappings.parse(await answered(mappings, { method: 'GET' }));
  for (const { UUID, EventSourceArn } of EventSourceMappings) {
    if (!EventSourceArn.startsWith('arn:aws:sqs:')) continue;
    const body = JSON.stringify({ ScalingConfig: { MaximumConcurrency: AT_ONCE } });
    await answered(new URL(UUID, mappings), { method: 'PUT', body });
  }
}

async function answered(url: URL, request: RequestInit): Promise<unknown> {
  const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) throw new Error(`${url.href} answered ${answer.status} ${await answer.text()}`);
  return answer.json();
}
