import { type Asked, type Hostile, head, rangeHead, refuse, well } from './server.ts';

type Answer = Hostile['answer'];

export interface HostileCase {
  /** What the server does. */
  readonly server: string;
  /** `recovered`: the file is there, byte for byte. Else the code of the one error, and no file is there. */
  readonly outcome: string;
  readonly answer: Answer;
  /** Whether the client knows the SHA-256 of each part, as from a manifest. */
  readonly knowsHashes?: true;
}

const isProbe = ({ range }: Asked) => range?.first === 0 && range.last === 0;
/** The probe is answered well; what follows is not. */
const afterProbe =
  (answer: Answer): Answer =>
  (asked, socket, server) =>
    isProbe(asked) ? well(asked, socket, server) : answer(asked, socket, server);
/** The first requests after the probe are answered badly, the others well. */
const first = (times: number, answer: Answer): Answer =>
  afterProbe((asked, socket, server) => (asked.count <= times + 1 ? answer : well)(asked, socket, server));

/** Of all connections, by the order of their first request. */
const everyOther = (answer: Answer): Answer => {
  const seen = new WeakMap<Parameters<Answer>[1], number>();
  let connections = 0;
  return (asked, socket, server) => {
    const place = seen.get(socket) ?? connections++;
    seen.set(socket, place);
    return (place % 2 === 0 ? answer : well)(asked, socket, server);
  };
};

const rangeOf = ({ range }: Asked) => range ?? { first: 0, last: 0 };
const bytesOf = (asked: Asked, { object }: Hostile) => object.subarray(rangeOf(asked).first, rangeOf(asked).last + 1);

/** The right head and only so many bytes of the body; then `then`. */
const part =
  (bytes: number, then: (socket: Parameters<Answer>[1]) => void): Answer =>
  (asked, socket, server) => {
    const body = bytesOf(asked, server);
    socket.write(rangeHead(rangeOf(asked), server.object.length, server.etag, body.length));
    socket.write(body.subarray(0, bytes), () => then(socket));
  };

const trickle: Answer = (asked, socket, server) => {
  const body = bytesOf(asked, server);
  socket.write(rangeHead(rangeOf(asked), server.object.length, server.etag, body.length));
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= body.length) clearInterval(timer);
    else socket.write(body.subarray(at, (at += 10)));
  }, 100);
};

const flipped: Answer = (asked, socket, server) => {
  const body = Buffer.from(bytesOf(asked, server));
  body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  socket.write(rangeHead(rangeOf(asked), server.object.length, server.etag, body.length));
  socket.write(body);
};

const inChunks = (body: Buffer): Buffer =>
  Buffer.concat([
    ...Array.from({ length: Math.ceil(body.length / 50_000) }, (_, at) =>
      body.subarray(at * 50_000, (at + 1) * 50_000),
    ).flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ]);

const chunkedRange: Answer = (asked, socket, server) => {
  const { first: from, last } = rangeOf(asked);
  const range = `bytes ${from}-${last}/${server.object.length}`;
  socket.write(
    head('206 Partial Content', { 'Transfer-Encoding': 'chunked', 'Content-Range': range, ETag: server.etag }),
  );
  socket.write(inChunks(bytesOf(asked, server)));
};

const chunkedWhole: Answer = (_asked, socket, server) => {
  socket.write(head('200 OK', { 'Transfer-Encoding': 'chunked', ETag: server.etag }));
  socket.write(inChunks(server.object));
};

const withHead =
  (change: (asked: Asked, server: Hostile) => string): Answer =>
  (asked, socket, server) => {
    socket.write(change(asked, server));
    socket.write(bytesOf(asked, server));
  };

const S3 = (code: string) => `<Error><Code>${code}</Code></Error>`;

export const HOSTILE_CASES: readonly HostileCase[] = [
  { server: 'answers well', outcome: 'recovered', answer: well },
  { server: 'brings 100 bytes a second, once', outcome: 'recovered', answer: first(1, trickle) },
  { server: 'brings 100 bytes a second, always', outcome: 'unavailable', answer: afterProbe(trickle) },
  {
    server: 'stalls within a body, once',
    outcome: 'recovered',
    answer: first(
      1,
      part(70_000, () => undefined),
    ),
  },
  {
    server: 'keeps every other connection waiting for ever',
    outcome: 'recovered',
    answer: afterProbe(everyOther(() => undefined)),
  },
  { server: 'stalls within every body', outcome: 'unavailable', answer: afterProbe(part(1000, () => undefined)) },
  { server: 'never answers', outcome: 'unavailable', answer: () => undefined },
  {
    server: 'resets the connection after every 100 kB',
    outcome: 'recovered',
    answer: afterProbe(part(100_000, (socket) => socket.resetAndDestroy())),
  },
  { server: 'resets every connection', outcome: 'unavailable', answer: (_asked, socket) => socket.resetAndDestroy() },
  {
    server: 'ends bodies before their Content-Length, once a range',
    outcome: 'recovered',
    answer: first(
      3,
      part(70_000, (socket) => socket.end()),
    ),
  },
  {
    server: 'announces another length than the range has',
    outcome: 'bad-answer',
    answer: afterProbe(withHead((asked, server) => rangeHead(rangeOf(asked), server.object.length, server.etag, 5))),
  },
  {
    server: 'sends more than its Content-Length',
    outcome: 'recovered',
    answer: afterProbe((asked, socket, server) => {
      well(asked, socket, server);
      socket.write('surplus');
    }),
  },
  { server: 'flips a bit, once', outcome: 'recovered', answer: first(1, flipped), knowsHashes: true },
  { server: 'flips a bit, always', outcome: 'wrong-bytes', answer: afterProbe(flipped), knowsHashes: true },
  {
    server: 'answers 206 with another range',
    outcome: 'bad-answer',
    answer: afterProbe(
      withHead((asked, server) => {
        const { first: from, last } = rangeOf(asked);
        return rangeHead({ first: from + 1, last: last + 1 }, server.object.length, server.etag, last - from + 1);
      }),
    ),
  },
  {
    server: 'answers 206 without a Content-Range',
    outcome: 'bad-answer',
    answer: afterProbe(
      withHead((asked, server) => head('206 Partial Content', { 'Content-Length': bytesOf(asked, server).length })),
    ),
  },
  {
    server: 'knows no ranges',
    outcome: 'recovered',
    answer: (asked, socket, server) => well({ ...asked, range: undefined }, socket, server),
  },
  {
    server: 'forgets about ranges midway',
    outcome: 'bad-answer',
    answer: afterProbe((asked, socket, server) => well({ ...asked, range: undefined }, socket, server)),
  },
  {
    server: 'answers 416: the object became shorter',
    outcome: 'changed',
    answer: afterProbe((_, socket) => refuse(socket, '416 No')),
  },
  {
    server: 'answers 403 from time to time: the rights expire and are renewed',
    outcome: 'recovered',
    answer: (asked, socket, server) =>
      asked.count % 3 === 2 ? refuse(socket, '403 Forbidden', S3('ExpiredToken')) : well(asked, socket, server),
  },
  {
    server: 'answers 403, whatever the rights',
    outcome: 'access-denied',
    answer: afterProbe((_, socket) => refuse(socket, '403 No', S3('AccessDenied'))),
  },
  { server: 'answers 404', outcome: 'absent', answer: (_, socket) => refuse(socket, '404 Not Found', S3('NoSuchKey')) },
  {
    server: 'answers that the object is archived',
    outcome: 'archived',
    answer: (_, socket) => refuse(socket, '403 No', S3('InvalidObjectState')),
  },
  {
    server: 'answers 503 and asks to slow down, three times',
    outcome: 'recovered',
    answer: first(3, (_, socket) => refuse(socket, '503 Slow Down', S3('SlowDown'), { 'Retry-After': '0' })),
  },
  {
    server: 'answers 503, always',
    outcome: 'unavailable',
    answer: afterProbe((_, socket) => refuse(socket, '503 Slow Down', S3('SlowDown'))),
  },
  {
    server: 'answers 500, twice',
    outcome: 'recovered',
    answer: first(2, (_, socket) => refuse(socket, '500 Internal', S3('InternalError'))),
  },
  {
    server: 'redirects to another path',
    outcome: 'recovered',
    answer: (asked, socket, server) =>
      asked.path === '/object' ? refuse(socket, '302 Found', '', { Location: '/moved' }) : well(asked, socket, server),
  },
  {
    server: 'redirects in a circle',
    outcome: 'bad-answer',
    answer: (_, socket) => refuse(socket, '302 Found', '', { Location: '/object' }),
  },
  {
    server: 'redirects to a file',
    outcome: 'bad-answer',
    answer: (_, socket) => refuse(socket, '302 Found', '', { Location: 'file:///etc/passwd' }),
  },
  {
    server: 'has another ETag midway',
    outcome: 'changed',
    answer: afterProbe((asked, socket, server) => well(asked, socket, { ...server, etag: '"other"' })),
  },
  {
    server: 'answers 412: the ETag no longer matches',
    outcome: 'changed',
    answer: afterProbe((_, socket) => refuse(socket, '412 No')),
  },
  {
    server: 'has another size midway',
    outcome: 'changed',
    answer: afterProbe(
      withHead((asked, server) =>
        rangeHead(rangeOf(asked), server.object.length + 1, server.etag, bytesOf(asked, server).length),
      ),
    ),
  },
  {
    server: 'floods with headers',
    outcome: 'bad-answer',
    answer: afterProbe((_, socket) => socket.write(`HTTP/1.1 206 OK\r\n${'X-Flood: 1\r\n'.repeat(10_000)}`)),
  },
  {
    server: 'speaks no HTTP',
    outcome: 'bad-answer',
    answer: (_, socket) => socket.write('220 smtp.example ESMTP\r\n\r\n'),
  },
  { server: 'sends ranges in chunks', outcome: 'recovered', answer: afterProbe(chunkedRange) },
  { server: 'sends the object in chunks, knows no ranges and no length', outcome: 'recovered', answer: chunkedWhole },
  {
    server: 'sends chunks that make no sense',
    outcome: 'bad-answer',
    answer: afterProbe((asked, socket, server) => {
      const { first: from, last } = rangeOf(asked);
      const range = `bytes ${from}-${last}/${server.object.length}`;
      socket.write(head('206 OK', { 'Transfer-Encoding': 'chunked', 'Content-Range': range, ETag: server.etag }));
      socket.write('5\r\nhello-and-more\r\n');
    }),
  },
  {
    server: 'sends chunks without end',
    outcome: 'too-large',
    answer: (_asked, socket, { etag }) => {
      socket.write(head('200 OK', { 'Transfer-Encoding': 'chunked', ETag: etag }));
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
      // A failed write tells before it destroys: one more then would be answered at once, and so on for ever.
      const more = (error?: Error | null) => {
        if (error === undefined || error === null) socket.write(chunk, more);
      };
      more();
    },
  },
  {
    server: 'sends more chunks than the range has',
    outcome: 'bad-answer',
    answer: afterProbe((asked, socket, server) => {
      const { first: from, last } = rangeOf(asked);
      const range = `bytes ${from}-${last}/${server.object.length}`;
      socket.write(head('206 OK', { 'Transfer-Encoding': 'chunked', 'Content-Range': range, ETag: server.etag }));
      socket.write(inChunks(Buffer.concat([bytesOf(asked, server), Buffer.alloc(10)])));
    }),
  },
  {
    server: 'sends a coding that nobody asked for',
    outcome: 'bad-answer',
    answer: afterProbe((asked, socket, server) => {
      const { first: from, last } = rangeOf(asked);
      const range = `bytes ${from}-${last}/${server.object.length}`;
      socket.write(
        head('206 OK', { 'Content-Encoding': 'gzip', 'Content-Range': range, 'Content-Length': last - from + 1 }),
      );
      socket.write(bytesOf(asked, server));
    }),
  },
  {
    server: 'says neither how long the object is nor where it ends',
    outcome: 'bad-answer',
    answer: (_asked, socket, server) =>
      void socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), server.object])),
  },
];
