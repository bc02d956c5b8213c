import { auditMutants } from './auditMutants.ts';
import type { Mutant } from './mutant.ts';
import { dollarMutants } from './dollarMutants.ts';
import { policyMutants } from './policyMutants.ts';
import { priceMutants } from './priceMutants.ts';
import { expiryMutants } from './expiryMutants.ts';
import { packingMutants } from './packingMutants.ts';
import { raceMutants } from './raceMutants.ts';
import { refusalMutants } from './refusalMutants.ts';
import { storeMutants } from './storeMutants.ts';
import { sweepMutants } from './sweepMutants.ts';

/** One-place edits of shipped code, at least one for each of the rules that keep the system safe (docs/simulation.md). */
export const mutants: readonly Mutant[] = [
  {
    id: 'lost-race-counts-as-won',
    breaks: 'Rule 1, one writer per fact: who loses a conditional write goes on as if it had won.',
    file: 'lib/catalog/settle.ts',
    find: "if (written.outcome === 'committed') return answer;",
    replace: "if (written.outcome !== 'nothing') return answer;",
  },
  {
    id: 'outbox-row-deleted-unsent',
    breaks: 'Rule 2, a message is part of its state change: the relay deletes rows that it could not send.',
    file: 'lib/relay/relayOutbox.ts',
    find: 'await sendBatch(deps, queue, batch, call);',
    replace: 'await sendBatch(deps, queue, batch, call).catch(() => undefined);',
  },
  {
    id: 'older-event-wins',
    breaks: 'Rule 3, order by sequencer: an event that was overtaken undoes a newer one.',
    file: 'lib/ingest/decideObservation.ts',
    find: 'compareSequencers(told, known) < 0',
    replace: 'compareSequencers(told, known) > 1',
  },
  {
    id: 'old-heartbeats-believed',
    breaks: 'Rule 3: a heartbeat that was overtaken overwrites a newer one.',
    file: 'lib/fleet/decideHeartbeat.ts',
    find: "if (heartbeat.sequence < host.heartbeatSequence) return { reason: 'out-of-order' };",
    replace: '',
  },
  {
    id: 'parts-not-verified',
    breaks: 'Rule 4, nothing visible before it is verified: bytes that do not fit the manifest are accepted.',
    file: 'lib/adapters/transfer/partsTransfer.ts',
    find: 'return crc32c !== undefined && crc32c === checksums?.[part];',
    replace: 'return crc32c !== undefined;',
  },
  {
    id: 'second-reading-not-verified',
    breaks: 'Rule 4: a part that did not fit its CRC-32C and is read again is accepted whatever its SHA-256.',
    file: 'lib/adapters/transfer/partsTransfer.ts',
    find: 'if (sha256 !== undefined) return sha256 === parts[part];',
    replace: 'if (sha256 !== undefined) return true;',
  },
  {
    id: 'checksums-out-of-order',
    breaks:
      'Rule 4: a digest that goes on where it stopped puts the CRC-32C of later parts before those of earlier ones.',
    file: 'lib/ingest/hashParts.ts',
    find: 'crc32c: [...crc32c, ...computed.map((sum) => sum.crc32c)],',
    replace: 'crc32c: [...computed.map((sum) => sum.crc32c), ...crc32c],',
  },
  {
    id: 'parts-reported-unsynced',
    breaks: 'Rule 4: the journal runs ahead of the disk, so a power cut leaves a hole that counts as written.',
    file: 'lib/adapters/transfer/partsTransfer.ts',
    find: '      await disk.sync(job.path);\n',
    replace: '',
  },
  {
    id: 'ledger-unsynced',
    breaks:
      'Rule 3, one effect: a power cut makes the host forget what it did, and a replayed command is carried out again.',
    file: 'agent/nvme/ledger.ts',
    find: '    await disk.sync(LEDGER_PATH);\n',
    replace: '',
  },
  {
    id: 'old-origin-deleted-at-once',
    breaks:
      'Rule 4, nothing deleted before its replacement is in place: the copy that the catalog serves from is deleted.',
    file: 'lib/tiering/oldOrigin.ts',
    find: 'await deps.objects.remove(key, versionId);\n',
    replace: 'await deps.objects.remove(key, blob.value.origin.versionId);\n',
  },
  {
    id: 'swept-although-named',
    breaks: 'Rule 4, every reference is checked at that moment: a condemned copy is deleted although a row names it.',
    file: 'lib/orphans/decideOrphan.ts',
    find: "if (isNamed(facts)) return keep('named');",
    replace: '',
  },
  {
    id: 'adopts-what-is-being-swept',
    breaks: 'Rule 4: an upload of the same bytes takes over a copy whose deletion has begun.',
    file: 'lib/catalog/claimVersion.ts',
    find: "if (row.value.state === 'deleting') return undefined;",
    replace: '',
  },
  {
    id: 'purged-although-shared',
    breaks:
      'Rule 4, every reference is checked at that moment: the bytes of a deleted version go although another one needs them.',
    file: 'lib/deletion/decideDeletion.ts',
    find: "if (shared) return { step: 'keep-shared' };",
    replace: '',
  },
  {
    id: 'purge-misses-new-reference',
    breaks:
      'Rule 1: a purge that has counted the references of a blob takes its bytes while another version begins to need them.',
    file: 'lib/ingest/blobChanges.ts',
    find: 'if (isAdmitted(before) === isAdmitted(judged.findings)) return put;',
    replace: 'if (isAdmitted(before) === isAdmitted(judged.findings)) return judged === kept ? [] : put;',
  },
  {
    id: 'name-not-judged',
    breaks: 'Nothing unscanned is servable: good bytes are served under a name that promises another format.',
    file: 'lib/ingest/judgement.ts',
    find: 'pinned.target === undefined ? read : judgeName(pinned.target.file, read)',
    replace: 'read',
  },
  {
    id: 'slow-call-judges',
    breaks:
      'A re-scan: a call that the store kept waiting until its time was over condemns the file that it was about to judge.',
    file: 'lib/ingest/judgement.ts',
    find: 'const LONG_TRIES = 3;',
    replace: 'const LONG_TRIES = 1;',
  },
  {
    id: 'brought-back-unaligned',
    breaks:
      'Rule 2: a version is brought back, and the message that has it judged by the verdicts since is no part of that change.',
    file: 'lib/deletion/undoDelete.ts',
    find: "        outboxPut({ id: `undo-align:${model}@${version}:${correlationId}`, queue: 'rescan', body: align }, now),\n",
    replace: '',
  },
  {
    id: 'purged-although-on-hosts',
    breaks: 'Rule 4: the bytes of a deleted version go while a host has them, leased, pinned or being read.',
    file: 'lib/deletion/decideDeletion.ts',
    find: "if (onHosts.length === 0) return { step: 'delete' };",
    replace: "if (onHosts.length < 9) return { step: 'delete' };",
  },
  {
    id: 'deleted-before-it-is-gone',
    breaks: 'A receipt says what was measured: a delete counts as done while its objects are still there.',
    file: 'lib/deletion/purgeBlob.ts',
    find: "state: begun ? 'pending' : 'done',",
    replace: "state: 'done',",
  },
  {
    id: 'delete-told-of-another-window',
    breaks: 'A receipt replays: what is kept of a delete is not what it was decided on.',
    file: 'lib/deletion/purgeBlob.ts',
    find: '...recordedInputs(recordEnd(facts, now)),',
    replace: '...recordedInputs(recordEnd({ ...facts, transitionedAt: now }, facts.createdAt)),',
  },
  {
    id: 'restored-bytes-untold',
    breaks:
      'A receipt tells the alternatives: where restored bytes went is decided without the dollars of any other place.',
    file: 'lib/restores/stepChanges.ts',
    find: 'alternatives: [...alternatives],',
    replace: 'alternatives: [],',
  },
  {
    id: 'restored-elsewhere',
    breaks:
      'What was decided is done: restored bytes go to one class for all, whatever the policy in force has chosen.',
    file: 'lib/restores/stepChanges.ts',
    find: '    to,\n    ...(packed',
    replace: '    to: row.value.to,\n    ...(packed',
  },
  {
    id: 'restored-where-it-is-dear',
    breaks: 'Dollars decide: bytes that somebody reads are restored to a class that charges more than others.',
    file: 'lib/placement/firstTier.ts',
    find: 'if (usd < bestUsd)',
    replace: 'if (usd > bestUsd || bestUsd === Number.POSITIVE_INFINITY)',
  },
  {
    id: 'restored-where-its-old-copy-lies',
    breaks:
      'Rule 5: restored bytes are to go where the copy of an earlier transition lies, which fails again and again, and the restore is paid for once more.',
    file: 'lib/tiering/judgeRestored.ts',
    find: 'if (lies !== undefined) occupied.push(one);',
    replace: 'if (lies !== undefined) occupied.length = 0;',
  },
  {
    id: 'readers-restore-without-end',
    breaks: 'Rule 5, money is reserved before it is used: a restore that readers may not spend any more on begins.',
    file: 'lib/restores/restoreBudget.ts',
    find: 'if (usd > limits.restoreBudgetUsdPerDay) {',
    replace: 'if (fee > limits.restoreBudgetUsdPerDay) {',
  },
  {
    id: 'restores-without-rate',
    breaks: 'Rule 5: more restores begin in an hour than readers may begin.',
    file: 'lib/restores/restoreBudget.ts',
    find: 'if (restores > limits.restoresPerHour) {',
    replace: 'if (restores > limits.restoresPerHour + 1) {',
  },
  {
    id: 'restore-uncounted',
    breaks: 'Rule 5: a restore begins, and what it costs is not taken out of what may be spent.',
    file: 'lib/restores/askRestore.ts',
    find: 'changes: [...changes, ...counted]',
    replace: 'changes: [...changes]',
  },
  {
    id: 'hold-ignored',
    breaks: 'Rule 4: what is under a legal hold is deleted.',
    file: 'lib/deletion/decideDeletion.ts',
    find: "if (hold !== undefined) return 'held';",
    replace: '',
  },
  {
    id: 'undo-window-forgotten',
    breaks: 'Rule 4, a promise is kept: a delete that can still be undone is purged.',
    file: 'lib/deletion/deleteVersion.ts',
    find: 'const purgeAfter = EpochMs.parse(now + windowMs);',
    replace: 'const purgeAfter = EpochMs.parse(now + 0 * windowMs);',
  },
  {
    id: 'plan-moves-what-is-in-use',
    breaks: 'Rule 4, every reference is checked at that moment: a plan archives what was read lately.',
    file: 'lib/tiering/moveBlob.ts',
    find: "if (run.only !== undefined && caught !== undefined) return keep('in-use');",
    replace: '',
  },
  {
    id: 'rate-not-enforced',
    breaks: 'Rule 5, money is reserved before it is spent: a run sets more moves going than it may.',
    file: 'lib/tiering/sweepBudget.ts',
    find: ">= spent.mostMoves) return refused('rate-reached');",
    replace: "< 0) return refused('rate-reached');",
  },
  {
    id: 'expired-restore-waited-for',
    breaks:
      'Rule 8, every wait has a deadline: a restored copy that expired before it was copied is waited for, for ever.',
    file: 'lib/restores/decideRestore.ts',
    find: "return restore.state === 'asked' ? 'ask' : again;",
    replace: "return restore.state === 'asked' ? 'ask' : 'wait';",
  },
  {
    id: 'capacity-not-enforced',
    breaks: 'Rule 5, space is reserved before it is used: a fill begins although it does not fit.',
    file: 'agent/nvme/room.ts',
    find: 'usedBytes(parts) + bytes - capacityBytes(parts)',
    replace: 'bytes - capacityBytes(parts)',
  },
  {
    id: 'failed-fill-keeps-its-promise',
    breaks: 'Rule 5: what was promised to a fill is not given back when it fails.',
    file: 'lib/fleet/settleReceipt.ts',
    find: 'promisedBytes: Bytes.parse(value.promisedBytes - released),',
    replace: 'promisedBytes: value.promisedBytes,',
  },
  {
    id: 'stale-generation-obeyed',
    breaks: 'Rule 6, generations fence: a host obeys a command of an earlier life.',
    file: 'lib/fleet/signing.ts',
    find: "if (command.generation !== reader.generation) return { outcome: 'refused', reason: 'stale-generation', command };",
    replace: '',
  },
  {
    id: 'foreign-command-obeyed',
    breaks: 'Rule 6: a host obeys a command that was signed for another one.',
    file: 'lib/fleet/signing.ts',
    find: "if (command.host !== reader.host) return { outcome: 'refused', reason: 'foreign-host', command };",
    replace: '',
  },
  {
    id: 'any-identity-is-any-host',
    breaks: 'Rule 6, a host is who it proves to be: an instance registers in the name of another.',
    file: 'lib/fleet/decideRegistration.ts',
    find: "if (proof.host !== request.host) return refuse('foreign-identity');",
    replace: '',
  },
  {
    id: 'token-for-any-name',
    breaks: 'Rule 6: a join token for one name registers another.',
    file: 'lib/fleet/decideRegistration.ts',
    find: "if (!covers(token.hosts, name)) return refuse('not-covered');",
    replace: '',
  },
  {
    id: 'live-host-replaced',
    breaks: 'Rule 6: whoever holds a host’s role pushes it out of its name while it is in service.',
    file: 'lib/fleet/decideRegistration.ts',
    find: "return host?.state === 'active' || host?.state === 'draining';",
    replace: "return host?.state === 'draining';",
  },
  {
    id: 'leases-do-not-protect',
    breaks: 'Rule 6: what an inference process uses is evicted under it.',
    file: 'agent/nvme/leases.ts',
    find: 'protects: (digest) => uses.has(digest) || holds.has(digest),',
    replace: 'protects: (digest) => holds.has(digest),',
  },
  {
    id: 'lost-replica-not-noticed',
    breaks: 'Rule 7, caches can vanish: what a host reports as gone is still believed in.',
    file: 'lib/fleet/decideResidents.ts',
    find: "if (!listed) return 'lost';",
    replace: "if (!listed) return 'left-alone';",
  },
  {
    id: 'no-hop-limit',
    breaks: 'Rule 8, every loop has a limit: an upload that our own writes led to is taken in again and again.',
    file: 'lib/ingest/decideAdmission.ts',
    find: 'if (!(hops < UPLOAD_HOP_LIMIT)) {',
    replace: 'if (hops < 0) {',
  },
  {
    id: 'scans-not-counted',
    breaks: 'Rule 8: a file at which the scanner dies is scanned for ever.',
    file: 'lib/ingest/settleVerdict.ts',
    find: 'const scans = (upload.scans ?? 0) + 1;',
    replace: 'const scans = 1;',
  },
  {
    id: 'refused-blob-placed',
    breaks: 'The gate: a blob that the rules of today refuse is commanded to hosts all the same.',
    file: 'lib/fleet/servable.ts',
    find: "  if (!isAdmitted(blob.findings)) return 'not-clean';\n",
    replace: '',
  },
  {
    id: 'judges-what-lies-there-now',
    breaks:
      'The gate: a verdict is bound to one version, and was formed by the bytes of another that replaced it meanwhile.',
    file: 'lib/ingest/pinnedReader.ts',
    find: 'const answer = await objects.readRange(key, versionId, offset, length);',
    replace:
      "const now = await objects.head(key);\n      const answer = await objects.readRange(key, now.outcome === 'found' ? now.head.versionId : versionId, offset, length);",
  },
  {
    id: 'stale-verdict-published',
    breaks: 'The gate: an upload is published by a verdict of rules that have changed since.',
    file: 'lib/ingest/publishUpload.ts',
    find: '  if (isStale(deps, findings)) return judgeAgain(deps, row, now);\n',
    replace: '',
  },
  {
    id: 'withdrawn-not-evicted',
    breaks: 'Rule 2: a blob becomes malicious, and the message that has hosts evict it is no part of that change.',
    file: 'lib/ingest/rescanBlob.ts',
    find: 'changes: [...put, evict]',
    replace: 'changes: put',
  },
  {
    id: 'version-not-withdrawn',
    breaks: 'A re-scan: a version whose blob is refused now keeps being what `latest` means.',
    file: 'lib/ingest/rescanBlob.ts',
    find: '  await alignVersions(deps, digest, call);\n',
    replace: '',
  },
  {
    id: 'waiting-upload-deleted',
    breaks: 'Rule 4: an upload is deleted that waits for the rest of its set, as if it were published.',
    file: 'lib/ingest/decideRemoval.ts',
    find: "return ageMs < keepMs ? { action: 'keep', reason: 'unpublished' }",
    replace: "return ageMs < graceMs ? { action: 'keep', reason: 'unpublished' }",
  },
  {
    id: 'pins-not-believed',
    breaks: 'Rule 6: what a host says of its pins changes nothing in the catalog.',
    file: 'lib/fleet/reconcileResidents.ts',
    find: 'pinned: report.pinned?.has(digest) ?? pinned ?? false,',
    replace: 'pinned: pinned ?? false,',
  },
  ...auditMutants,
  ...dollarMutants,
  ...expiryMutants,
  ...policyMutants,
  ...priceMutants,
  ...raceMutants,
  ...packingMutants,
  ...refusalMutants,
  ...sweepMutants,
  ...storeMutants,
];
