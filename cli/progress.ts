import { formatCount } from '../lib/shared/formatCount.ts';
import { formatBytes } from '../lib/shared/units.ts';

export interface Progress {
  add(amount: number): void;
  /** After a failed try its bytes are sent again. */
  takeBack(amount: number): void;
  end(): void;
}

const EVERY_MS = { line: 200, record: 1000 };

/** How amounts are told: to programs under which names, to people in which words. */
interface Unit {
  readonly names: readonly [done: string, total: string];
  readonly text: (amount: number) => string;
}
const BYTES: Unit = { names: ['bytesDone', 'totalBytes'], text: formatBytes };
const MOVES: Unit = { names: ['movesDone', 'totalMoves'], text: (moves) => formatCount(moves, 'move') };

/**
 * One line that is written over on a terminal, one JSON record a second with `--json`, nothing else. Always on stderr.
 * `schema` is that of the records, as in `strata.push.progress/v1`.
 */
export function showProgress(total: number, json: boolean, schema: string): Progress {
  return progressOf(BYTES, total, json, schema);
}

/** The same of moves that are sent. */
export function showMoves(total: number, json: boolean): Progress {
  return progressOf(MOVES, total, json, 'strata.plan.progress/v1');
}

function progressOf({ names, text }: Unit, total: number, json: boolean, schema: string): Progress {
  const started = Date.now();
  let done = 0;
  let shown = 0;
  const visible = json || process.stderr.isTTY;
  const every = json ? EVERY_MS.record : EVERY_MS.line;

  function show(): void {
    const seconds = (Date.now() - started) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const secondsRemaining = rate > 0 ? Math.ceil((total - done) / rate) : 0;
    const percentDone = total === 0 ? 100 : Math.floor((100 * done) / total);
    if (json) {
      const record = { schema, secondsRemaining, percentDone, [names[0]]: done, [names[1]]: total };
      process.stderr.write(`${JSON.stringify(record)}\n`);
    } else {
      rewriteLine(
        `${text(done)} / ${text(total)}, ${percentDone} %, ${text(Math.round(rate))}/s, ETA ${duration(secondsRemaining)}`,
      );
    }
  }

  return {
    add(amount) {
      done += amount;
      if (!visible || Date.now() - shown < every) return;
      shown = Date.now();
      show();
    },
    takeBack(amount) {
      done -= amount;
    },
    end() {
      if (!visible) return;
      show();
      if (!json) process.stderr.write('\n');
    },
  };
}

/** How far a look at what nobody has counted is, by the part of it that lies behind: on a terminal alone, gone when it ends. */
export function showLooked(what: string): { at(objects: number, part: number): void; end(): void } {
  const started = Date.now();
  let shown = started;
  return {
    at(objects, part) {
      const now = Date.now();
      if (now - shown < EVERY_MS.line) return;
      shown = now;
      const seconds = (now - started) / 1000;
      const left = part > 0 ? duration(Math.ceil((seconds * (1 - part)) / part)) : '?';
      const rate = Math.round(objects / seconds);
      rewriteLine(`${what}: ${formatCount(objects, 'object')}, ${Math.floor(100 * part)} %, ${rate}/s, ETA ${left}`);
    },
    end: () => rewriteLine(''),
  };
}

/** Rewrites one line of the terminal; says nothing where there is none. */
export function rewriteLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
