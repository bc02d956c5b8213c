import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * The programs, compiled from the tree's modules into few files (build.ts, docs/adr/0024): finding, stripping and linking 650 to 860 modules is most
 * of what a start from TypeScript takes. Life: built by `npm ci`, looked at by each start, built anew by the first start that finds an
 * input with other content. Plain JavaScript, for any Node from 20 on; whatever cannot be had leads to the TypeScript modules.
 */

/**
 * What a build was made of: path in the tree, SHA-256, and size and times of the file that was last found to have that content.
 * @typedef {readonly [path: string, sha256: string, size?: number, mtimeMs?: number, ctimeMs?: number]} Input
 * @typedef {{ readonly folder: string, readonly inputs: readonly Input[] }} Manifest
 */

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Not below `node_modules`, which `npm ci` removes under the programs that run. */
export const BUILT = join(ROOT, '.built');
/** Names the build in force. */
export const MANIFEST = join(BUILT, 'manifest.json');
const BUILDER = join(ROOT, 'programs/build.ts');
/** Files have times of at worst two seconds: what changes within them may not show. */
const SETTLED_MS = 2_000;
/** Many times what a build takes. */
const BUILD_WITHIN_MS = 120_000;

/**
 * The folder of a build that has the content of the tree as it is now, made if need be and possible. Undefined where the tree's owner has
 * none and this process can make none.
 * @returns {Promise<string | undefined>}
 */
export async function builtFolder() {
  const fresh = await orNone(freshFolder);
  if (fresh !== undefined || (await orNone(canBuild)) !== true) return fresh;
  const { spawnSync } = await import('node:child_process');
  // A process of its own, so that what builds takes no memory of the program.
  spawnSync(process.execPath, [BUILDER], { stdio: 'ignore', timeout: BUILD_WITHIN_MS });
  return orNone(freshFolder);
}

/**
 * What cannot be read, is cut off or goes meanwhile is not there.
 * @template Found
 * @param {() => Found | Promise<Found>} find
 */
async function orNone(find) {
  try {
    return await find();
  } catch {
    return undefined;
  }
}

/** Who is not the owner runs what the owner has built, as he runs the owner's TypeScript, and leaves nothing of his own in the tree. */
function canBuild() {
  if (Number(process.versions.node.split('.')[0]) < 24) return false;
  const { uid } = lstatSync(ROOT);
  if (process.getuid?.() !== uid || (existsSync(BUILT) && !isTrusted(BUILT, uid))) return false;
  accessSync(existsSync(BUILT) ? BUILT : ROOT, constants.W_OK);
  return existsSync(join(ROOT, 'node_modules/esbuild'));
}

async function freshFolder() {
  const { uid } = lstatSync(ROOT);
  if (![BUILT, MANIFEST].every((path) => isTrusted(path, uid))) return undefined;
  /** @type {Manifest} */
  const { folder, inputs } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  if (!isTrusted(join(BUILT, folder), uid)) return undefined;
  const changed = inputs.filter((input) => !isUnchanged(input));
  if (changed.length === 0) return join(BUILT, folder);
  // A checkout that went back and forth, a copy of the tree: what counts is the content.
  const found = await contents(changed);
  if (found === undefined) return undefined;
  keepTimes({ folder, inputs: inputs.map((input) => found.get(input[0]) ?? input) }, uid);
  return join(BUILT, folder);
}

/**
 * What it holds is run: it is of the owner of the tree, whose TypeScript would be run otherwise, and nobody else can write there.
 * @param {string} path
 * @param {number} owner
 */
export function isTrusted(path, owner) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isSymbolicLink() && found.uid === owner && (found.mode & 0o022) === 0;
}

/** @param {Input} input */
function isUnchanged([path, , size, mtimeMs, ctimeMs]) {
  const found = statSync(ROOT + path, { throwIfNoEntry: false });
  // Nobody can set the time of a file's last change, other than that of its content.
  return found !== undefined && found.ctimeMs === ctimeMs && found.mtimeMs === mtimeMs && found.size === size;
}

/**
 * Undefined where one of them has another content than it was built of.
 * @param {readonly Input[]} inputs
 */
async function contents(inputs) {
  const { createHash } = await import('node:crypto');
  const now = Date.now();
  /** @type {Map<string, Input>} */
  const found = new Map();
  for (const [path, sha256] of inputs) {
    const { size, mtimeMs, ctimeMs } = statSync(ROOT + path);
    if (
      createHash('sha256')
        .update(readFileSync(ROOT + path))
        .digest('base64') !== sha256
    )
      return undefined;
    const settled = Math.max(mtimeMs, ctimeMs) < now - SETTLED_MS;
    found.set(path, settled ? [path, sha256, size, mtimeMs, ctimeMs] : [path, sha256]);
  }
  return found;
}

/**
 * For the next start. Others may keep theirs meanwhile, and one that is lost costs that start some reading.
 * @param {Manifest} manifest
 * @param {number} owner
 */
function keepTimes(manifest, owner) {
  if (process.getuid?.() !== owner) return;
  try {
    const own = `${MANIFEST}.${process.pid}`;
    writeFileSync(own, JSON.stringify(manifest));
    chmodSync(own, 0o644);
    renameSync(own, MANIFEST);
  } catch {
    // A full disk, or one that is read only.
  }
}
