/** `node --import` this with STRATA_MUTANT set: the named mutant's edit is made while its module is loaded; no file changes. */
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { chosenMutant, mutatedSource } from './mutation.ts';

const mutant = chosenMutant();

registerHooks({
  load(url, context, nextLoad) {
    const source = mutatedSource(mutant, url);
    if (source === undefined) return nextLoad(url, context);
    return { format: 'module', source: stripTypeScriptTypes(source), shortCircuit: true };
  },
});
