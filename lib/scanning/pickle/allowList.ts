import { FAMILIES } from './allow/families.ts';
import { FRAMEWORKS } from './allow/frameworks.ts';
import { NUMPY } from './allow/numpy.ts';
import { OLDER_LIBRARIES } from './allow/olderLibraries.ts';
import { PYTHON } from './allow/python.ts';
import { SKLEARN } from './allow/sklearn.ts';
import { TORCH } from './allow/torch.ts';
import type { Role } from './values.ts';

const TABLES = [PYTHON, NUMPY, TORCH, SKLEARN, OLDER_LIBRARIES, FRAMEWORKS].join('');

const ROLES: ReadonlySet<string> = new Set<Role>(['value', 'class', 'part', 'call', 'both', 'guarded']);

function isRole(word: string | undefined): word is Role {
  return word !== undefined && ROLES.has(word);
}

function parseTables(tables: string): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const line of tables.split('\n').filter((line) => line !== '')) {
    const [role, module, ...names] = line.split(' ');
    if (!isRole(role) || module === undefined) throw new Error(`the allow-list has a bad line: ${line}`);
    for (const name of names) {
      const key = `${module} ${name}`;
      roles.set(key, merge(roles.get(key), role));
    }
  }
  return roles;
}

function merge(old: Role | undefined, role: Role): Role {
  if (old === undefined || old === 'value') return role;
  return old === role || role === 'value' ? old : 'both';
}

/** The tables as one text: part of what the digest of the rule set covers. */
export const ALLOW_TABLES: string = TABLES + FAMILIES;

const ALLOWED = parseTables(TABLES);
const FAMILY = new RegExp(`^(?:${FAMILIES.trim().split('\n').join('|')})$`);
const CLASS_OF_FAMILY = /^_?[A-Z][A-Za-z0-9_]*$/;

/** Names that Python 3 maps for files of protocol 2 and below. */
const PYTHON2_MODULES: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
  ['exceptions', 'builtins'],
  ['UserList', 'collections'],
  ['UserString', 'collections'],
]);

/** The one class that Python 3 writes under another name for protocol 2 and below. */
const PYTHON2_USER_DICT = 'UserDict IterableUserDict';

export function modernModule(module: string): string {
  return PYTHON2_MODULES.get(module) ?? module;
}

/** The layers and configurations of one architecture: `transformers.models.bert.modeling_bert` + `BertLayer`. */
const ARCHITECTURE = /^transformers\.models\.([a-z0-9_]+)\.(?:modeling|configuration)_\1$/;

/** Exact names only: a dotted name walks attributes, so `torch` + `_utils._rebuild_tensor` is not listed. */
export function allowedRole(module: string, name: string): Role | undefined {
  const key = `${module} ${name}`;
  if (key === PYTHON2_USER_DICT) return 'both';
  const isPart = isLayerOfArchitecture(module, name) || (CLASS_OF_FAMILY.test(name) && FAMILY.test(module));
  return ALLOWED.get(key) ?? (isPart ? 'part' : undefined);
}

/**
 * A class that its own module defines begins with the architecture's name, which what the module imports does not. As `class` it
 * is made without a call of its constructor.
 */
function isLayerOfArchitecture(module: string, name: string): boolean {
  const architecture = ARCHITECTURE.exec(module)?.[1]?.replaceAll('_', '');
  return architecture !== undefined && /^[A-Za-z0-9]+$/.test(name) && name.toLowerCase().startsWith(architecture);
}

/** Modules whose import in a model file has no other purpose than harm; anything else unlisted is suspicious. */
const DANGEROUS_MODULES = new Set(
  `os posix nt ntpath posixpath subprocess _posixsubprocess pty commands popen2 sys shutil socket _socket ssl http urllib urllib2 urllib3 httplib requests aiohttp
  httpx ftplib smtplib telnetlib poplib imaplib nntplib xmlrpc socketserver asyncio webbrowser antigravity runpy pip ensurepip venv
  importlib _frozen_importlib _frozen_importlib_external pkgutil zipimport imp code codeop codecs pdb bdb cProfile profile
  _lsprof timeit trace doctest pydoc test unittest idlelib lib2to3 distutils setuptools cython numba cffi
  _cffi_backend ctypes _ctypes multiprocessing _multiprocessing concurrent threading _thread signal _signal pickle _pickle
  cPickle cloudpickle dill marshal shelve joblib pickletools types inspect ast builtins functools operator _operator
  itertools gc weakref atexit site sysconfig platform tempfile fileinput glob io _io mmap fcntl resource pwd grp crypt
  nturl2path logging xml pyexpat sqlite3 _sqlite3 dbm readline rlcompleter cmd getpass curses tkinter turtle winreg _winreg _winapi msvcrt
  compileall py_compile copyreg torch numpy tensorflow keras transformers paramiko fabric psutil sh plumbum pexpect jinja2 mako yaml
  jsonpickle uuid bz2 lzma gzip zipfile tarfile selectors sched cgi cgitb wsgiref tracemalloc faulthandler`
    .split(/\s+/)
    .filter((name) => name !== ''),
);

/** Whether an unlisted name belongs to a module from which attacks are built. */
export function isDangerous(module: string): boolean {
  return DANGEROUS_MODULES.has(module.split('.')[0] ?? '');
}
