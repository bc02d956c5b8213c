import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BatchOperationsCall } from '../../../events/aws/batchOperationsCall.v1.ts';
import { CatalogChanges } from '../../../events/aws/catalogChanges.v1.ts';
import { UploadNotification } from '../../../events/aws/eventBridgeS3.v1.ts';
import { HttpCall } from '../../../events/aws/httpCall.v1.ts';
import { InventoryBatch } from '../../../events/aws/inventoryBatch.v1.ts';
import { InventoryEnd } from '../../../events/aws/inventoryEnd.v1.ts';
import { RestoreNotification } from '../../../events/aws/objectRestored.v1.ts';
import { ScheduleFired } from '../../../events/aws/scheduleFired.v1.ts';

const ENVELOPES = {
  batchOperationsCall: BatchOperationsCall,
  catalogChanges: CatalogChanges,
  eventBridgeS3: UploadNotification,
  objectRestored: RestoreNotification,
  httpCall: HttpCall,
  inventoryBatch: InventoryBatch,
  inventoryEnd: InventoryEnd,
  scheduleFired: ScheduleFired,
} as const;

const filesOf = (envelope: string) => globSync(`events/aws/${envelope}.v1.*.json`);

describe('the envelopes of AWS', () => {
  it('are all listed here', () => {
    const contracts = globSync('events/aws/*.ts').map((path) => basename(path, '.v1.ts'));
    expect(new Set(contracts)).toEqual(new Set(Object.keys(ENVELOPES)));
  });
});

describe.each(Object.entries(ENVELOPES))('the envelope %s', (name, schema) => {
  it('has a sample, and an example of what it refuses', () => {
    expect(filesOf(name)).toContain(`events/aws/${name}.v1.sample.json`);
    expect(filesOf(name).some((path) => path.endsWith('.invalid.json'))).toBe(true);
  });

  it.each(filesOf(name))('%s is taken or refused as its name says', (path) => {
    const { success } = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    expect(success).toBe(!path.endsWith('.invalid.json'));
  });
});
