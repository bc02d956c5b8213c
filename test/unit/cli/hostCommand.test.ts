import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registerHost } from '../../../cli/commands/host.ts';
import { describeError, exitCodeOf } from '../../../cli/errors.ts';
import { recordedInputs } from '../../../lib/catalog/index.ts';
import { useCommands } from '../../support/commands.ts';

const DIGESTS = ['a', 'b'].map((letter) => letter.repeat(64));
const THREE = [...DIGESTS, 'c'.repeat(64)];
const [DIGEST = ''] = DIGESTS;
let server: Server;
let plane: readonly string[];

/** Of the plane: what became of the commands in the order in which they were sent, and how often it is asked in vain before. */
let ends: readonly (object | 'refused' | 'away' | 'unauthorized')[] = [];
let asksInVain = 0;
let sent: { type: string; digest?: string }[] = [];
/** Whether it is of a release that tells no ends. */
let isOlder = false;

const ended = (state: string, code: string, text: string) => ({ state, outcome: { at: 1, code, text } });
const DONE = ended('done', 'ok', 'as-measured');
const PENDING = { state: 'pending' };

/** A plane with one version of two files, and another of three. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = answerTo(request.url?.split('/').at(-1) ?? '', JSON.parse(body));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  plane = ['--endpoint', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
});
afterAll(() => server.close());
beforeEach(() => {
  ends = [DONE, DONE];
  asksInVain = 0;
  sent = [];
  isOlder = false;
});

interface Asked {
  readonly command?: { type: string; digest?: string };
  readonly actionIds?: string[];
  readonly reference?: string;
}

function answerTo(name: string, input: Asked) {
  if (name === 'showVersion') {
    const file = { model: 'tiny', version: '1.0.0', role: 'weights', kind: 'llm', size: 9, replicas: [] };
    return {
      ok: true,
      output: {
        files: (input.reference === 'three' ? THREE : DIGESTS).map((digest) => ({
          ...file,
          file: 'tiny.gguf',
          digest,
        })),
      },
    };
  }
  if (name === 'commandHost' && input.command !== undefined) {
    const place = sent.push(input.command) - 1;
    const { type } = input.command;
    if (ends[place] === 'away') {
      return { ok: false, failure: { code: 'unavailable', message: 'The catalog is away.', retryable: true } };
    }
    if (ends[place] === 'unauthorized') {
      return { ok: false, failure: { code: 'unauthorized', message: 'Nobody knows you.', retryable: false } };
    }
    if (ends[place] !== 'refused') return { ok: true, output: { actionId: `${type}-${place}`, host: 'gpu-a', type } };
    const message = 'The host does not hold that blob.';
    return { ok: false, failure: { code: 'command-refused', message, retryable: false } };
  }
  if (isOlder) return { ok: false, failure: { code: 'unknown-operation', message: `No ${name}.`, retryable: false } };
  if (asksInVain > 0) {
    asksInVain -= 1;
    return { ok: false, failure: { code: 'unavailable', message: 'The catalog is away.', retryable: true } };
  }
  return { ok: true, output: { items: input.actionIds?.map(actionOf) } };
}

function actionOf(actionId: string) {
  const place = Number(actionId.split('-')[1]);
  const { type, digest } = sent[place] ?? {};
  return {
    actionId,
    type,
    digest,
    host: { id: 'gpu-a', generation: 1 },
    reason: 'operator',
    policy: 'operator',
    chosen: type,
    alternatives: [],
    ...recordedInputs({}),
    decidedAt: 1,
    expiresAt: 2,
    correlationId: 'c',
    ...Object(ends[place]),
  };
}

const { strata, records, told, printed } = useCommands(registerHost);

/** What a person sees of it, and the exit code. */
async function outcome(...args: readonly string[]) {
  try {
    return { printed: await strata('host', ...args, ...plane), code: 0, error: '' };
  } catch (error) {
    return { printed: printed(), code: exitCodeOf(error), error: describeError(error, false) };
  }
}

it.each([
  [['evict', 'gpu-a', 'tiny@^1'], '`strata explain tiny@^1` shows whether it has'],
  [['evict', 'gpu-a', DIGEST], '`strata explain` of its model shows whether it has'],
  [['resize', 'gpu-a', '500GB'], '`strata hosts gpu-a` shows whether it has'],
])('strata host %j --no-wait says where its end will be seen: what was sent is not done', async (args, text) => {
  await strata('host', ...args, ...plane, '--no-wait');
  expect(told()).toContain(text);
  await strata('host', ...args, ...plane, '--dry-run');
  expect(told()).toBe('Nothing was sent (--dry-run).\n');
});

describe('strata host', () => {
  it('waits for what the host says, also while the plane is away, and tells it', async () => {
    asksInVain = 1;
    const { printed, code } = await outcome('pin', 'gpu-a', 'tiny');
    expect(code).toBe(0);
    expect(printed).toMatch(/^ACTION +HOST +COMMAND +STATE\npin-0 +gpu-a +pin +done\npin-1 +gpu-a +pin +done\n$/);
  });

  it('exits 1 with the reason of the host and what to do where it has not done it', async () => {
    ends = [ended('failed', 'no-room', 'The NVMe volumes have 9 bytes beside the headroom.')];
    expect(await outcome('resize', 'gpu-a', '500GB')).toMatchObject({ code: 1 });
    expect(told()).toContain(
      'resize on gpu-a failed (no-room): The NVMe volumes have 9 bytes beside the headroom.\n' +
        '  Its volumes hold no more than that: give it less, or a larger volume.\n',
    );
    sent = [];
    ends = [DONE, ended('failed', 'not-resident', 'There is no copy to verify.')];
    await expect(records('host', 'verify', 'gpu-a', 'tiny', ...plane)).rejects.toThrow('not done by the host');
    expect(told()).toBe(
      'verify of bbbbbbbbbbbb on gpu-a failed (not-resident): There is no copy to verify.\n' +
        '  The host holds no copy of it: ask for it there first.\n',
    );
  });

  it.each(['refused', 'leaked', 'expired', 'superseded'])('exits 1 where a command ended as %s', async (state) => {
    ends = [ended(state, 'expired', 'It was past its time.')];
    expect(await outcome('drain', 'gpu-a')).toMatchObject({ code: 1 });
    expect(told()).toContain(`drain on gpu-a ${state} (expired): It was past its time.`);
  });

  it('exits 3 where the host has not said in time, and says where it will be seen', async () => {
    ends = [DONE, PENDING];
    const { code, error } = await outcome('pin', 'gpu-a', 'tiny', '--wait', '0.001m');
    expect(code).toBe(3);
    expect(error).toMatch(/^error\[no-receipt\]: gpu-a has not said yet .*`strata explain tiny` shows whether it has/);
  });

  it('exits 1 where the plane is of a release that never tells, and says that the command is sent', async () => {
    isOlder = true;
    const { code, error } = await outcome('drain', 'gpu-a');
    expect(code).toBe(1);
    expect(error).toMatch(/^error\[no-receipt\]: It is sent, but this plane is of an older release/);
    expect(sent).toEqual([{ type: 'drain' }]);
    expect((await outcome('drain', 'gpu-a', '--no-wait')).code).toBe(0);
  });

  it('gives programs the end of each', async () => {
    expect(await records('host', 'pin', 'gpu-a', 'tiny', ...plane)).toMatchObject([
      { schema: 'strata.host-command/v1', actionId: 'pin-0', state: 'done', outcome: { code: 'ok' } },
      { schema: 'strata.host-command/v1', actionId: 'pin-1', state: 'done', outcome: { code: 'ok' } },
    ]);
  });

  it.each([[[]], [['--no-wait']], [['--dry-run']]])(
    'tells what the plane refuses of several, sends the others, and exits 1 (%j)',
    async (flags) => {
      ends = ['refused', DONE];
      expect(await outcome('pin', 'gpu-a', 'tiny', ...flags)).toMatchObject({ code: 1 });
      expect(told()).toContain('pin of aaaaaaaaaaaa: The host does not hold that blob.');
      expect(sent).toHaveLength(2);
    },
  );

  it.each([[[]], [['--no-wait']]])(
    'lists what was sent, is unanswered and is unsent where the plane goes away amid them (%j)',
    async (flags) => {
      ends = [DONE, 'away'];
      const { printed: listed, code, error } = await outcome('evict', 'gpu-a', 'three', ...flags);
      expect([code, error]).toEqual([3, 'error[unavailable]: The catalog is away.\n']);
      expect(listed?.split('\n').map((line) => line.split(/ +/))).toEqual([
        ['ACTION', 'HOST', 'COMMAND', 'BLOB', 'STATE'],
        ['evict-0', 'gpu-a', 'evict', 'a'.repeat(16), 'sent'],
        ['', 'gpu-a', 'evict', 'b'.repeat(16), 'unanswered'],
        ['', 'gpu-a', 'evict', 'c'.repeat(16), 'unsent'],
        [''],
      ]);
      expect(told()).toContain(
        'Whether the plane took the one without an answer is not known: `strata explain three` shows it.',
      );
    },
  );

  it('lists nothing where the plane says no to the first, and later what was sent until then', async () => {
    ends = ['unauthorized'];
    expect(await outcome('evict', 'gpu-a', 'three')).toMatchObject({ printed: '' });
    expect(told()).not.toContain('is not known');
    [ends, sent] = [[DONE, 'unauthorized'], []];
    const { printed: listed } = await outcome('evict', 'gpu-a', 'three');
    expect(listed?.match(/\b(?:sent|not-taken|unanswered|unsent)\b/g)).toEqual(['sent', 'not-taken', 'unsent']);
    expect(told()).not.toContain('is not known');
  });

  it('tells programs the same, and of ids only those that were sent', async () => {
    ends = [DONE, 'away'];
    await expect(records('host', 'evict', 'gpu-a', 'three', ...plane)).rejects.toThrow('away');
    const states = printed()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const schema = 'strata.host-command/v1';
    const [one, other, last] = THREE.map((digest) => ({ schema, host: 'gpu-a', type: 'evict', digest }));
    expect(states).toEqual([
      { ...one, actionId: 'evict-0', state: 'sent' },
      { ...other, state: 'unanswered' },
      { ...last, state: 'unsent' },
    ]);
    sent = [];
    expect(await outcome('evict', 'gpu-a', 'three', '-q')).toMatchObject({ printed: 'evict-0\n', code: 3 });
    sent = [];
    expect(await outcome('evict', 'gpu-a', 'three', '--dry-run')).toMatchObject({ printed: '', code: 3 });
  });

  it('tells what it knows where the plane stays away while it waits', async () => {
    asksInVain = 1000;
    const { printed: listed, code } = await outcome('pin', 'gpu-a', 'tiny', '--wait', '0.001m');
    expect(code).toBe(3);
    expect(listed).toMatch(/pin-0 +gpu-a +pin +pending\npin-1 +gpu-a +pin +pending\n$/);
  });

  it('is refused where the plane takes none', async () => {
    ends = ['refused', 'refused'];
    const { code, error } = await outcome('pin', 'gpu-a', 'tiny');
    expect([code, error]).toEqual([1, 'error[command-refused]: The host does not hold that blob.\n']);
  });
});
