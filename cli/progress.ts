import { formatBytes } from '../lib/shared/units.ts';

export interface Progress {
  add(bytes: number): void;
  /** After a failed try its bytes are sent again. */
  takeBack(bytes: number): void;
  end(): void;
}

const EVERY_MS = { line: 200, record: 1000 };

/**
 * One line that is written over on a terminal, one JSON record a second with `--json`, nothing else. Always on stderr.
 * `schema` is that of the records, as in `strata.push.progress/v1`.
 */
export function showProgress(totalBytes: number, json: boolean, schema: string): Progress {
  const started = Date.now();
  let bytesDone = 0;
  let shown = 0;
  const visible = json || process.stderr.isTTY;
  const every = json ? EVERY_MS.record : EVERY_MS.line;

  function show(): void {
    const seconds = (Date.now() - started) / 1000;
    const rate = seconds > 0 ? bytesDone / seconds : 0;
    const secondsRemaining = rate > 0 ? Math.ceil((totalBytes - bytesDone) / rate) : 0;
    const percentDone = totalBytes === 0 ? 100 : Math.floor((100 * bytesDone) / totalBytes);
    if (json) {
      const record = { schema, secondsRemaining, percentDone, bytesDone, totalBytes };
      process.stderr.write(`${JSON.stringify(record)}\n`);
    } else {
      const amount = `${formatBytes(bytesDone)} / ${formatBytes(totalBytes)}, ${percentDone} %`;
      process.stderr.write(
        `\r\u001b[K${amount}, ${formatBytes(Math.round(rate))}/s, ETA ${duration(secondsRemaining)}`,
      );
    }
  }

  return {
    add(bytes) {
      bytesDone += bytes;
      if (!visible || Date.now() - shown < every) return;
      shown = Date.now();
      show();
    },
    takeBack(bytes) {
      bytesDone -= bytes;
    },
    end() {
      if (!visible) return;
      show();
      if (!json) process.stderr.write('\n');
    },
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
