import { HostRow, ReplicaRow } from '../../../lib/catalog/index.ts';
import { HostId, hostLocation } from '../../../lib/shared/ids.ts';
import type { SimulatedHost } from '../hosts.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { edgeWatch, rowReader, violated } from '../invariants.ts';

const REPLICA_EDGES = [
  'new→reserved',
  'new→verified',
  'reserved→verified',
  'reserved→gone',
  'reserved→unknown',
  'verified→evicting',
  'verified→unknown',
  'verified→gone',
  'verified→reserved',
  'evicting→verified',
  'evicting→gone',
  'evicting→unknown',
  'unknown→verified',
  'unknown→gone',
  'unknown→reserved',
  'unknown→evicting',
];

/** Hosts and their copies: generations only grow, and in the end the catalog believes what the disks hold. */
export function fleet({ catalog, counters, hosts }: Stage): Capability {
  const [readHost, readReplica] = [rowReader(HostRow), rowReader(ReplicaRow)];
  const replicaEdge = edgeWatch(counters, 'replica', REPLICA_EDGES);

  function onHost({ key, before, after }: RowChange): void {
    if (after === undefined) violated(`${key.partition}: a host row was deleted.`);
    const is = readHost(after);
    if (before === undefined) return;
    const was = readHost(before);
    if (is.generation < was.generation) violated(`${key.partition}: generation went back.`);
    if (was.state !== is.state) counters.count(`host: ${was.state}→${is.state}`);
    if (is.generation === was.generation && is.heartbeatSequence < was.heartbeatSequence) {
      violated(`${key.partition}: heartbeat ${is.heartbeatSequence} is believed after ${was.heartbeatSequence}.`);
    }
    if (is.generation === was.generation && is.publicKey !== was.publicKey) {
      violated(`${key.partition}: the key of generation ${is.generation} was replaced.`);
    }
    if (is.promisedBytes < 0) violated(`${key.partition}: promised bytes below zero.`);
  }

  function onReplica({ key, before, after }: RowChange): void {
    const was = before === undefined ? 'new' : readReplica(before).state;
    replicaEdge(was, after === undefined ? 'gone' : readReplica(after).state, key);
  }

  /** What the catalog believes of a host is what its disk holds, and nothing waits for anything. */
  async function checkHost(host: SimulatedHost): Promise<void> {
    const row = await HostRow.get(catalog, HostId.parse(host.id));
    if (row === undefined) violated(`${host.id} never registered.`);
    if (row.value.state !== 'active') violated(`${host.id} is ${row.value.state} although it is alive.`);
    host.watch.checkPins(host.agent);
    if (row.value.promisedBytes !== 0) violated(`${host.id}: ${row.value.promisedBytes} bytes are still promised.`);
    const onDisk = await host.watch.residents();
    const listed = await catalog.queryIndex('listing', { partition: `HOSTBLOBS#${host.id}`, limit: 1000 });
    const believed = new Set<string>();
    for (const item of listed.items) {
      const replica = ReplicaRow.parse(item).value;
      if (replica.location !== hostLocation('nvme', host.id)) violated(`${host.id}: lists ${replica.location}.`);
      if (replica.state !== 'verified') violated(`${host.id}: ${replica.digest} is still ${replica.state}.`);
      if (!onDisk.has(replica.digest))
        violated(`${host.id}: the catalog believes in ${replica.digest}, which the disk does not hold.`);
      if (replica.pinned !== (host.agent?.store.blob(replica.digest)?.pinned ?? false))
        violated(`${host.id}: the catalog is wrong about the pin of ${replica.digest}.`);
      believed.add(replica.digest);
    }
    for (const digest of onDisk)
      if (!believed.has(digest)) violated(`${host.id}: holds ${digest}, which the catalog does not know.`);
  }

  return {
    begin() {
      for (const host of hosts) host.boot();
    },
    onRow(change) {
      const { partition, sort } = change.key;
      if (partition.startsWith('HOST#')) onHost(change);
      else if (sort.startsWith('REPLICA#nvme')) onReplica(change);
    },
    async check() {
      for (const host of hosts) await checkHost(host);
    },
  };
}
