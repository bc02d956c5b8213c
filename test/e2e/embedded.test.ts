import { createEmbeddedStage } from './embeddedStage.ts';
import { hostPath } from './hostPath.ts';
import { mainPath } from './mainPath.ts';

mainPath('in the embedded runtime', createEmbeddedStage);
hostPath('in the embedded runtime', createEmbeddedStage);
