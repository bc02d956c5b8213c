import type { Inspection } from '../inspection.ts';

/** Code in texts that only describe a model: nothing of it belongs there, whoever shows or runs it. Linear patterns only. */
const CODE: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/<script\b|\bjavascript:|<\?php\b/i, 'a script of a page'],
  [/^#!/, 'a script for a shell'],
  [/\b__import__\s*\(|\b(?:eval|exec)\s*\(\s*(?:['"]|base64|bytes|codecs|compile|open|zlib)/, 'Python source'],
  [/\b(?:os\.(?:system|popen|exec[lv]\w*|spawn\w*)|subprocess\.\w+|pty\.spawn|pickle\.loads?)\s*\(/, 'Python source'],
  [/\bbase64\.b64decode\s*\(/, 'Python source'],
  [/\brm\s+-[a-z]{0,8}[rf][a-z]{0,8}\s+[/~*.]/, 'a command that deletes files'],
  [/(?=[|;&]+\s*(?:ba|z)?sh\b)(?<=\b(?:curl|wget)\s[^\n|;&]{0,200})/, 'a command that runs what it downloads'],
];

/** Reports metadata of a model file that hold code. */
export function judgeMetadata(metadata: ReadonlyMap<string, string>, inspection: Inspection): void {
  for (const [key, value] of metadata) {
    const found = CODE.find(([pattern]) => pattern.test(value) || pattern.test(key));
    if (found !== undefined) inspection.report('metadata.script', `the entry ${key} holds ${found[1]}`);
  }
}
