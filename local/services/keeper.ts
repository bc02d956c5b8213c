import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/*
 * Runs one service and outlives nothing: `node keeper.ts FOLDER COMMAND ARGS…`. Standard input is a pipe from whoever
 * started it; when that closes, which the system does however its process ends, the service and all its children are killed
 * and the service's folder is removed. So too when the service ends by itself, except that its folder, with the log, stays.
 */

const [folder = '', command = '', ...args] = process.argv.slice(2);
const service = spawn(command, args, { cwd: folder, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

function killGroup(): void {
  if (service.pid === undefined) return;
  try {
    process.kill(-service.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

service.once('error', () => process.exit(127));
service.once('exit', (code) => {
  killGroup();
  process.exit(code ?? 1);
});
process.stdin.once('end', () => {
  service.removeAllListeners('exit');
  service.once('exit', () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(0);
  });
  killGroup();
});
process.stdin.resume();
// Whoever started it decides when it ends; a terminal's Ctrl-C is for that process.
for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => undefined);
