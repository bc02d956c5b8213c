/** `node --import` this with STRATA_MUTANT set: the named mutant's edit is made while its module is loaded; no file changes. */
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { mutants } from './mutants.ts';
import { mutatedSource } from './mutation.ts';

const id = process.env['STRATA_MUTANT'];
const mutant = mutants.find((candidate) => candidate.id === id);
if (mutant === undefined) throw new Error(`STRATA_MUTANT=${id} names no mutant of test/simulation/mutants.ts.`);

registerHooks({
  load(url, context, nextLoad) {
    const source = mutatedSource(mutant, url);
    if (source === undefined) return nextLoad(url, context);
    return { format: 'module', source: stripTypeScriptTypes(source), shortCircuit: true };
  },
});
