import { createEmbeddedStage } from './embeddedStage.ts';
import { hostPath } from './hostPath.ts';
import { lifecyclePath } from './lifecyclePath.ts';
import { mainPath } from './mainPath.ts';

mainPath('in the embedded runtime', () => createEmbeddedStage());
hostPath('in the embedded runtime', () => createEmbeddedStage());
lifecyclePath('in the embedded runtime', () => createEmbeddedStage());
