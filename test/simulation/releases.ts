import { createHash } from 'node:crypto';
import {
  createBufferReader,
  type HeaderVerdict,
  type RangedReader,
  SCANNER,
  type Scanner,
} from '../../lib/scanning/index.ts';

/** Of all contents, one in so many is malicious by the rules of a later release. */
const SELDOM = 6;

export interface Releases {
  /** The rules of the release that is deployed now; calls that began before it go on with those of theirs. */
  readonly rules: () => string;
  readonly deployNext: () => void;
  /** The release that was deployed before comes back. */
  readonly takeBack: () => void;
  /** The scanner of a call that begins now. */
  readonly scanner: () => Scanner;
  /** What the rules of a release say of bytes that are well-formed. */
  readonly isBad: (rules: string, bytes: Uint8Array) => boolean;
  /** What the rules of a release say of bytes. */
  readonly statusOf: (rules: string, bytes: Uint8Array) => Promise<HeaderVerdict['status']>;
  /** Whether the releases so far do not agree on the bytes. */
  readonly isDisputed: (bytes: Uint8Array) => boolean;
}

/** The releases of one run: each finds other contents malicious, the first one none. A verdict depends on the bytes alone. */
export function createReleases(): Releases {
  let newest = 0;
  const deployed = [newest];
  const rulesOf = (release: number) => `rules-${release}`;
  const current = () => rulesOf(deployed.at(-1) ?? 0);
  /** Of what somebody asks again and again: the same bytes, by the rules of each release. */
  const known = new WeakMap<Uint8Array, Map<string, boolean>>();
  function isBad(rules: string, bytes: Uint8Array): boolean {
    if (rules === rulesOf(0)) return false;
    const before = known.get(bytes)?.get(rules);
    if (before !== undefined) return before;
    const bad = createHash('sha256').update(rules).update(bytes).digest().readUInt32LE(0) % SELDOM === 0;
    known.set(bytes, (known.get(bytes) ?? new Map()).set(rules, bad));
    return bad;
  }
  function scannerOf(rules: string): Scanner {
    async function judge(reader: RangedReader, verdict: HeaderVerdict): Promise<HeaderVerdict> {
      const bad = verdict.status === 'clean' && isBad(rules, await reader.read(0, reader.size));
      const reasons = [{ rule: 'file.executable' as const, text: `found by ${rules}` }];
      return bad ? { ...verdict, rules, status: 'malicious', reasons } : { ...verdict, rules };
    }
    return {
      rules,
      judgeHeader: async (reader, options) => judge(reader, await SCANNER.judgeHeader(reader, options)),
      judgeInSteps: async (reader, options) => {
        const step = await SCANNER.judgeInSteps(reader, options);
        return step.outcome === 'judged' ? { ...step, verdict: await judge(reader, step.verdict) } : step;
      },
    };
  }
  return {
    rules: current,
    deployNext: () => {
      newest += 1;
      deployed.push(newest);
    },
    takeBack: () => {
      deployed.pop();
    },
    scanner: () => scannerOf(current()),
    isBad,
    statusOf: async (rules, bytes) => (await scannerOf(rules).judgeHeader(createBufferReader(bytes))).status,
    isDisputed: (bytes) =>
      Array.from({ length: newest + 1 }, (_, release) => isBad(rulesOf(release), bytes)).includes(true),
  };
}
