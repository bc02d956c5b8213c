import { expect, it } from 'vitest';
import type { Connection, Incoming } from '../../../lib/adapters/transfer/http/connection.ts';
import { startExchange } from '../../../lib/adapters/transfer/http/exchange.ts';

/** An exchange on a connection whose bytes a test delivers, all by the same memory, as sockets do. */
function world() {
  const taken: Buffer[] = [];
  let room = true;
  let untilFull = Number.POSITIVE_INFINITY;
  let ready: () => void = () => undefined;
  const ear: { incoming?: Incoming; resumed: number } = { resumed: 0 };
  const connection: Connection = {
    key: '',
    alive: true,
    isPublic: false,
    reused: false,
    use(incoming) {
      ear.incoming = incoming;
    },
    release: () => undefined,
    resume() {
      ear.resumed += 1;
    },
    destroy: () => undefined,
  };
  const space = new Uint8Array(7);
  const exchange = startExchange(
    {
      connection,
      onHead: () => ({ is: 'body' }),
      target: {
        space: () => (room ? space : undefined),
        readsOn: () => room,
        took(bytes) {
          taken.push(Buffer.from(space.subarray(0, bytes)));
          untilFull -= bytes;
          room = untilFull > 0;
        },
        whenRoom(callback) {
          ready = callback;
        },
        pauseAfter: () => 0,
      },
      keep: () => undefined,
      now: () => 0,
    },
    'GET',
  );
  const scratch = new Uint8Array(1000);
  const deliver = (bytes: string): boolean => {
    scratch.fill(0x2e);
    scratch.set(Buffer.from(bytes));
    return ear.incoming?.arrived(scratch.subarray(0, bytes.length)) ?? false;
  };
  const setRoom = (has: boolean) => {
    room = has;
    if (has) ready();
  };
  const fillUpAfter = (bytes: number) => {
    untilFull = bytes;
  };
  return { exchange, ear, deliver, setRoom, fillUpAfter, text: () => Buffer.concat(taken).toString() };
}

it('bytes that come although reading is paused follow those that wait, whatever becomes of their memory', async () => {
  const { exchange, ear, deliver, setRoom, text } = world();
  expect(deliver('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n0123456789')).toBe(true);
  setRoom(false);
  expect(deliver('abcdefghij')).toBe(false);
  expect(deliver('ABCDE')).toBe(false);
  expect(deliver('FGHIJ')).toBe(false);
  expect(text()).toBe('0123456789');
  setRoom(true);
  expect(await exchange.end).toEqual({ is: 'complete' });
  expect(text()).toBe('0123456789abcdefghijABCDEFGHIJ');
  expect(ear.resumed).toBe(0);
});

it('the end of a body that waits for room is reached when the room is there', async () => {
  const { exchange, deliver, setRoom, text } = world();
  setRoom(false);
  deliver('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  deliver('2\r\nde\r\n0\r\n\r\n');
  setRoom(true);
  expect(await exchange.end).toEqual({ is: 'complete' });
  expect(text()).toBe('abcde');
});

it('reading stops with the bytes that take the last room, before there are others that have none', async () => {
  const { exchange, ear, deliver, setRoom, fillUpAfter } = world();
  fillUpAfter(10);
  expect(deliver('HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n01234')).toBe(true);
  expect(ear.incoming?.landed(5)).toBe(false);
  expect(exchange.isReading()).toBe(false);
  fillUpAfter(9);
  setRoom(true);
  expect(ear.resumed).toBe(1);
  expect(exchange.isReading()).toBe(true);
  expect(ear.incoming?.landed(7)).toBe(true);
  // The last bytes take the last room as well: none is waited for.
  expect(ear.incoming?.landed(2)).toBe(true);
  expect(await exchange.end).toEqual({ is: 'complete' });
});
