import { startProgram } from '../programs/start.js';

await startProgram('agent');
