import type { Field, ProtobufReader } from './protobuf.ts';

/** Messages that hold neither weights nor code, by the numbers of the fields in which they hold one another. */
const MESSAGES = {
  opset: {},
  value: { 2: 'type', 4: 'entry' },
  type: { 1: 'tensor', 4: 'sequence', 5: 'map', 8: 'tensor', 9: 'sequence' },
  tensor: { 2: 'shape' },
  sequence: { 1: 'type' },
  map: { 2: 'type' },
  shape: { 1: 'dimension' },
  dimension: {},
  entry: {},
} as const satisfies Record<string, Readonly<Record<number, string>>>;
type Message = keyof typeof MESSAGES;

const INNER: ReadonlyMap<string, ReadonlyMap<number, Message>> = new Map(
  Object.entries(MESSAGES).map(([name, fields]) => [
    name,
    new Map(Object.entries(fields).map(([number, inner]) => [Number(number), inner])),
  ]),
);
const MAX_DEPTH = 32;

/** Walks such a message to its last field, so that what the reference reader refuses in it is refused here. */
export async function walkShapes(proto: ProtobufReader, field: Field, message: Message, depth = 0): Promise<void> {
  // Of another wire type it is an unknown field, which every reader skips.
  if (field.wire !== 'bytes') return;
  if (depth > MAX_DEPTH) throw proto.refuse('types nested without end');
  await proto.fields(field.start + field.length, async (inner) => {
    const next = INNER.get(message)?.get(inner.number);
    if (next !== undefined) await walkShapes(proto, inner, next, depth + 1);
  });
}
