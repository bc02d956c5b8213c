// After `npm ci`: who starts the programs later may not be able to write here. Without what builds them they start from TypeScript.
import { builtFolder } from './built.js';

await builtFolder();
