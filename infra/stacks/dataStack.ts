import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AuditBucket } from '../capabilities/auditBucket.ts';
import { CatalogTable } from '../capabilities/catalogTable.ts';
import { CommandSecret } from '../capabilities/commandSecret.ts';
import { DataKey } from '../capabilities/dataKey.ts';
import { InventoryBucket } from '../capabilities/inventoryBucket.ts';
import { ModelBucket } from '../capabilities/modelBucket.ts';
import type { StrataSettings } from '../settings.ts';

/** What must outlive every deployment: objects, catalog, the key that encrypts both, the secret that commands are signed with. */
export class DataStack extends Stack {
  readonly key: DataKey;
  readonly bucket: ModelBucket;
  readonly audit: AuditBucket;
  readonly table: CatalogTable;
  readonly secret: CommandSecret;

  constructor(scope: Construct, id: string, props: StackProps & { readonly settings: StrataSettings }) {
    super(scope, id, props);
    const kept = props.settings.teardown === 'retain';
    // What a first deployment made before it failed goes again: else its names would be taken at the next.
    const removal = kept ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    // The table stays then, since it is protected, and without its key nobody could delete it either.
    this.key = new DataKey(this, 'Key', { removal: kept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY });
    this.bucket = new ModelBucket(this, 'Models', { key: this.key, removal, settings: props.settings });
    this.audit = new AuditBucket(this, 'Audit', { logs: this.bucket.logs, settings: props.settings });
    new InventoryBucket(this, 'Inventory', { prefix: props.settings.prefix, removal, models: this.bucket.bucket });
    this.table = new CatalogTable(this, 'Catalog', { prefix: props.settings.prefix, key: this.key, removal });
    this.secret = new CommandSecret(this, 'CommandKeys', { key: this.key, removal });
  }
}
