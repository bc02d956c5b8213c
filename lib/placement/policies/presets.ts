import type { StorageClass } from '../../shared/ids.ts';
import type { LifecycleRules, TierRules } from '../../shared/tierSettings.ts';
import { DAY_MS, KIB } from '../../shared/units.ts';
import { judgeLifecycle } from '../lifecycleRules.ts';
import type { ObjectView } from '../simulate.ts';
import { temperature } from '../tierRules.ts';
import { asItIs, packedByRules, packedInPlace } from './packing.ts';
import {
  classAt,
  classIndex,
  hasClass,
  isPacked,
  nearestClass,
  type PolicyContext,
  type ReplayPolicy,
} from './policy.ts';

/** Every object stays in one class for good. */
export function fixedPolicy(storageClass: StorageClass): ReplayPolicy {
  return {
    mechanics: 'lifecycle',
    needs: storageClass,
    create: (context) => {
      const index = classIndex(context, storageClass);
      return { place: () => index, sweep: () => index };
    },
  };
}

export interface LifecycleStage {
  readonly afterDays: number;
  readonly storageClass: StorageClass;
}

/** What most buckets have: Standard-IA no earlier than S3 allows it, then the instant archive. */
export const LIFECYCLE_STAGES: readonly LifecycleStage[] = [
  { afterDays: 30, storageClass: 'STANDARD_IA' },
  { afterDays: 90, storageClass: 'GLACIER_IR' },
];

/** S3 Lifecycle rules by age: they only move down. By default S3 leaves objects below 128 KB where they are. */
export function lifecyclePolicy(stages: readonly LifecycleStage[]): ReplayPolicy {
  const create: ReplayPolicy['create'] = (context) => {
    const allowed = stages
      .filter((stage) => hasClass(context, stage.storageClass))
      .map((stage) => ({ afterMs: stage.afterDays * DAY_MS, index: classIndex(context, stage.storageClass) }));
    const standard = classIndex(context, 'STANDARD');
    return {
      place: () => standard,
      sweep: (view) => {
        if (view.bytes < 128 * KIB) return view.classIndex;
        const ageMs = (view.step - view.startStep) * context.stepMs;
        return allowed.findLast((stage) => ageMs >= stage.afterMs)?.index ?? view.classIndex;
      },
    };
  };
  return { mechanics: 'lifecycle', create };
}

/** The rule preset. Where the promise forbids its archive class, such objects stay cold. */
export function rulePolicy(rules: TierRules): ReplayPolicy {
  const create: ReplayPolicy['create'] = (context) => {
    const { hot, warm, cold, archive } = rules.classes;
    const byTemperature = {
      hot: nearestClass(context, hot),
      warm: nearestClass(context, warm),
      cold: nearestClass(context, cold),
      archive: hasClass(context, archive) ? classIndex(context, archive) : nearestClass(context, cold),
    };
    const decide = (view: ObjectView): number => {
      const facts = {
        createdAt: view.startStep * context.stepMs,
        lastAccessAt: lastReadMs(view, context),
        accessesLast30Days: view.readsLast30Days,
      };
      const judged = temperature(facts, rules, view.step * context.stepMs);
      return byTemperature[judged.temperature];
    };
    return {
      place: () => byTemperature.hot,
      sweep: (view) => packedByRules(view, context, rules, whenFree(view, decide(view), context)),
      afterRead: (view) => {
        if (!isPacked(context, view.classIndex)) return whenFree(view, decide(view), context);
        const to = decide(view);
        return classAt(context, to).instant ? to : byTemperature.hot;
      },
    };
  };
  return { mechanics: 'plane', create };
}

/** The lifecycle preset; in replay nothing is deleted, so what it would delete is archived. */
export function lifecycleRulePolicy(rules: LifecycleRules): ReplayPolicy {
  const create: ReplayPolicy['create'] = (context) => {
    const standard = classIndex(context, 'STANDARD');
    const cold = nearestClass(context, 'STANDARD_IA');
    const archive = nearestClass(context, 'GLACIER');
    return {
      place: () => standard,
      sweep: (view) => {
        const packed = isPacked(context, view.classIndex);
        const facts = {
          bytes: view.bytes,
          createdAt: view.startStep * context.stepMs,
          lastAccessAt: lastReadMs(view, context),
          accesses: view.reads,
          retained: true,
          compression: packed ? undefined : ratioOf(context, view.bytes),
        };
        const { action } = judgeLifecycle(facts, rules, view.step * context.stepMs);
        const moved = (to: number): number => (packed ? asItIs(view, context, to) : to);
        if (action === 'archive' || action === 'delete') return moved(archive);
        if (action === 'compress') return packedInPlace(view, context);
        const hot = classAt(context, view.classIndex) === classAt(context, standard);
        return action === 'cold' && hot ? moved(cold) : view.classIndex;
      },
      afterRead: () => standard,
    };
  };
  return { mechanics: 'plane', create };
}

function ratioOf({ packing }: PolicyContext, bytes: number): number | undefined {
  return packing && packing.facts.bytes / bytes;
}

function lastReadMs(view: ObjectView, context: PolicyContext): number | undefined {
  return view.lastReadStep < 0 ? undefined : view.lastReadStep * context.stepMs;
}

/** A move to a colder class waits for the end of the minimum duration. */
function whenFree(view: ObjectView, to: number, context: PolicyContext): number {
  const from = classAt(context, view.classIndex);
  const heldMs = (view.step - view.enteredStep) * context.stepMs;
  const colder = classAt(context, to).usdPerByteMs < from.usdPerByteMs;
  return colder && heldMs < from.minimumMs ? view.classIndex : to;
}
