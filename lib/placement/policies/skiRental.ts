import { readUsd, storageUsd } from '../bill.ts';
import { classAt, classIndex, type ReplayPolicy } from './policy.ts';

/**
 * Ski rental over the classes that a copy can enter: after `t` idle milliseconds the object is in the class whose line
 * `storage × t + fee of the read to come` is lowest, and a read brings it back to STANDARD. Following the lower envelope costs at most
 * twice the optimum of one idle period (Lotker, Patt-Shamir, Rawitz: Rent, Lease or Buy, 2008), minimum durations left aside.
 */
export const skiRentalPolicy: ReplayPolicy = {
  mechanics: 'lifecycle',
  create: (context) => {
    const standard = classIndex(context, 'STANDARD');
    const own = context.classes.flatMap((one, index) => (one.autoTiering === undefined ? [index] : []));
    return {
      place: () => standard,
      sweep: (view) => {
        const idleMs = (view.step - Math.max(view.lastReadStep, view.startStep)) * context.stepMs;
        let best = view.classIndex;
        let bestUsd = Number.POSITIVE_INFINITY;
        for (const index of own) {
          const one = classAt(context, index);
          const usd = storageUsd(one, view.bytes, idleMs) + one.transitionInUsd + readUsd(one, view.bytes);
          if (usd < bestUsd) {
            best = index;
            bestUsd = usd;
          }
        }
        // The envelope only leads down: what it left stays left until a read.
        return classAt(context, best).usdPerByteMs < classAt(context, view.classIndex).usdPerByteMs
          ? best
          : view.classIndex;
      },
      afterRead: () => standard,
    };
  },
};
