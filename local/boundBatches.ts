import * as z from 'zod/mini';

/** One page: Lambda lists 100 at most. */
const Mappings = z.object({
  EventSourceMappings: z.array(z.object({ UUID: z.string(), EventSourceArn: z.string() })),
  NextMarker: z.optional(z.nullable(z.string())),
});

/** The fewest that Lambda knows. */
const AT_ONCE = 2;

/**
 * Each batch that a function works on at once is a process here, which loads the function anew: a sweep would start one for each of
 * dozens of messages. Two at once show what many do.
 */
export async function boundBatches(endpoint: string): Promise<void> {
  const mappings = new URL('/2015-03-31/event-source-mappings/', endpoint);
  const body = JSON.stringify({ ScalingConfig: { MaximumConcurrency: AT_ONCE } });
  const page = new URL(mappings);
  do {
    const { EventSourceMappings, NextMarker } = Mappings.parse(await answered(page, { method: 'GET' }));
    for (const { UUID, EventSourceArn } of EventSourceMappings) {
      if (EventSourceArn.startsWith('arn:aws:sqs:')) await answered(new URL(UUID, mappings), { method: 'PUT', body });
    }
    page.searchParams.set('Marker', NextMarker ?? '');
  } while (page.searchParams.get('Marker') !== '');
}

async function answered(url: URL, request: RequestInit): Promise<unknown> {
  const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) throw new Error(`${url.href} answered ${answer.status} ${await answer.text()}`);
  return answer.json();
}
