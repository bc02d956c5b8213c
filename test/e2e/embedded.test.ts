import { createEmbeddedStage } from './embeddedStage.ts';
import { mainPath } from './mainPath.ts';

mainPath('in the embedded runtime', createEmbeddedStage);
