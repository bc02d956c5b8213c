import { type HeaderVerdict, SCANNER, type Scanner } from '../../lib/scanning/index.ts';

/** A scanner of which later releases find the bytes in `bad` malicious, and whose rules are named by their number; it counts its verdicts. */
export function releases() {
  const state = { rules: 'rules-1', bad: new Set<number>(), verdicts: 0 };
  function judge(size: number, verdict: HeaderVerdict): HeaderVerdict {
    state.verdicts += 1;
    return state.bad.has(size)
      ? { ...verdict, rules: state.rules, status: 'malicious', reasons: [{ rule: 'file.executable', text: 'found' }] }
      : { ...verdict, rules: state.rules };
  }
  const scanner: Scanner = {
    get rules() {
      return state.rules;
    },
    judgeHeader: async (reader, options) => judge(reader.size, await SCANNER.judgeHeader(reader, options)),
    judgeInSteps: async (reader, options) => {
      const step = await SCANNER.judgeInSteps(reader, options);
      return step.outcome === 'judged' ? { ...step, verdict: judge(reader.size, step.verdict) } : step;
    },
  };
  return { state, scanner };
}
