import type { PartMover } from '../../lib/adapters/transfer/partMover.ts';
import { type Disk, DiskError } from '../../lib/shared/ports/disk.ts';
import type { MessageReceiver, MessageSender } from '../../lib/shared/ports/messageQueue.ts';

/**
 * Named moments at which a test lets the real process die, or the disk fail, by wrapping the ports: the product knows nothing of
 * them.
 * `before` is not yet on the device, `after` is.
 */
const DISK_POINTS: readonly { readonly name: string; readonly call: keyof Disk; readonly path: RegExp }[] = [
  { name: 'session-kept', call: 'rename', path: /^state\/session/ },
  { name: 'staging-allocated', call: 'allocate', path: /^staging\// },
  { name: 'part-synced', call: 'sync', path: /^staging\// },
  { name: 'ledger-written', call: 'write', path: /^state\/ledger$/ },
  { name: 'ledger-synced', call: 'sync', path: /^state\/ledger$/ },
  { name: 'published', call: 'rename', path: /^staging\// },
  { name: 'published-read-only', call: 'setReadOnly', path: /^blobs\// },
  { name: 'blob-folder-synced', call: 'syncDirectory', path: /^blobs\/../ },
  { name: 'staging-folder-synced', call: 'syncDirectory', path: /^staging$/ },
  { name: 'link-made', call: 'symlink', path: /^models\// },
];

/** Of what passes by the disk port: bytes that the engine writes, messages. */
const OTHER_POINTS = ['part-written', 'command-removed', 'receipt-sent'] as const;

/**
 * Every fail point, as `STRATA_FAILPOINT` takes it: `<name>.before`, `<name>.after`, with `:<n>` for the n-th time and `:<n>:io` for
 * an I/O error then instead of the end.
 */
export const FAILPOINTS: readonly string[] = [...DISK_POINTS.map(({ name }) => name), ...OTHER_POINTS].flatMap(
  (name) => [`${name}.before`, `${name}.after`],
);

interface Points {
  reach(point: string): void;
}

/** @throws RangeError for a name that is none. */
export function createFailpoints(setting: string, die: () => void): Points {
  const [name = '', times = '1', how] = setting.split(':');
  if (!FAILPOINTS.includes(name))
    throw new RangeError(`There is no fail point ${name}; there are ${FAILPOINTS.join(', ')}.`);
  let left = Number(times);
  return {
    reach(point) {
      if (point !== name) return;
      left -= 1;
      if (left !== 0) return;
      if (how === 'io') throw new DiskError('io', `The disk fails at ${name}.`);
      die();
    },
  };
}

export function failingDisk(disk: Disk, points: Points): Disk {
  return new Proxy(disk, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]) => {
        // A link is made at its second argument; everything else happens at the first.
        const at = String(property === 'symlink' ? args[1] : args[0]);
        const reached = DISK_POINTS.filter(({ call, path }) => call === property && path.test(at));
        for (const { name } of reached) points.reach(`${name}.before`);
        const answer: unknown = await Reflect.apply(member, target, args);
        for (const { name } of reached) points.reach(`${name}.after`);
        return answer;
      };
    },
  });
}

/** `part-written.after`: the bytes of a part are in its file, neither checked nor synced. */
export function failingMover(mover: PartMover, points: Points): PartMover {
  return {
    move(...args) {
      points.reach('part-written.before');
      const running = mover.move(...args);
      const end = running.end.then((moved) => {
        if (moved.outcome === 'moved') points.reach('part-written.after');
        return moved;
      });
      return { ...running, end };
    },
  };
}

export function failingReceiver(receiver: MessageReceiver, points: Points): MessageReceiver {
  return {
    receive: (...args) => receiver.receive(...args),
    changeVisibility: (...args) => receiver.changeVisibility(...args),
    async remove(...args) {
      points.reach('command-removed.before');
      await receiver.remove(...args);
      points.reach('command-removed.after');
    },
  };
}

export function failingSender(sender: MessageSender, points: Points): MessageSender {
  return {
    async send(queue, messages) {
      if (queue === 'receipts') points.reach('receipt-sent.before');
      await sender.send(queue, messages);
      if (queue === 'receipts') points.reach('receipt-sent.after');
    },
  };
}
